"""The farm rented: every host with cards at one provider, on the same cards where it has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from planner.blueprint.schema import Power, Rent
from planner.catalogue.device import Device
from planner.catalogue.find_part import find_device
from planner.catalogue.match import Match, NotFound
from planner.catalogue.provider import Offer, Provider, Terms
from planner.catalogue.reader import CatalogueReader
from planner.cost.prices import Prices
from planner.cost.ways.moved import all_fit, with_hosts
from planner.cost.ways.values import Draft, Sizer
from planner.farm import FarmHost, HostDevice, Placement
from planner.units import round_up

_DISK_STEP: Final = 50 * 10**9
_DISK_ROOM: Final = 5, 4  # a quarter more than the weights, for the image and a second version


@dataclass(frozen=True, slots=True)
class _Choice:
    """A host as it would be rented, and its price an hour in the provider's currency."""

    host: FarmHost
    said: str
    hourly: Decimal


def rented_ways(
    placement: Placement, prices: Prices, reader: CatalogueReader, size: Sizer
) -> Iterator[Draft]:
    """A draft for each provider that can take at least one host with cards.

    A host gets the same GPU, or, where the provider has none, the cheapest one with at least as
    much memory on which everything fits. Only what runs until stopped is looked at.
    """
    hosts = [host for host in placement.farm.hosts if host.devices and host.spec.within is None]
    for name in prices.providers():
        answer = prices.provider(name)
        if isinstance(answer, NotFound):
            continue
        provider = answer.row
        found = {host.name: _choice(host, placement, provider, prices, reader, size)
                 for host in hosts}  # fmt: skip
        chosen = {host: item for host, item in found.items() if item is not None}
        if not chosen:
            continue
        farm, moved = with_hosts(placement, {n: item.host for n, item in chosen.items()}, size)
        yield Draft(
            name=f"rent at {provider.name}",
            farm=farm,
            placement=moved,
            changed=tuple((host, item.said) for host, item in chosen.items()),
            kept=tuple(host for host, item in found.items() if item is None),
            remarks=tuple(_remarks(provider, chosen)),
        )


def _remarks(provider: Provider, chosen: dict[str, _Choice]) -> Iterator[str]:
    if provider.vat_included is False:
        yield f"{provider.name}'s prices are without VAT"
    if any(item.host.spec.rent and item.host.spec.rent.disk for item in chosen.values()):
        yield "disks are counted as large as the weights and a quarter more, or as written"


def _choice(
    host: FarmHost,
    placement: Placement,
    provider: Provider,
    prices: Prices,
    reader: CatalogueReader,
    size: Sizer,
) -> _Choice | None:
    """The host on the same GPU at that provider, else on the cheapest larger one that fits."""
    wanted, count = host.devices[0].device.id, len(host.devices)
    mixed = any(device.device.id != wanted for device in host.devices)
    if mixed:
        return None  # no provider rents a mixture as one machine
    same = prices.offer(provider.id, wanted, None, count)
    if isinstance(same, Match) and same.row.gpu == wanted:
        return _as(host, host.devices[0].device, same.row, placement)
    best: _Choice | None = None
    for device, offer in _larger(host, provider, prices, reader):
        choice = _as(host, device, offer, placement)
        if best is not None and choice.hourly >= best.hourly:
            continue
        _, moved = with_hosts(placement, {host.name: choice.host}, size)
        if all_fit(moved, {host.name: choice.host}):
            best = choice
    return best


def _larger(
    host: FarmHost, provider: Provider, prices: Prices, reader: CatalogueReader
) -> Iterator[tuple[Device, Offer]]:
    """Cards of the provider with at least the memory of each card of the host, and their price."""
    need = max(device.memory_bytes for device in host.devices)
    names = dict.fromkeys(o.gpu for o in provider.offers if o.terms is Terms.ON_DEMAND)
    seen: set[str] = set()
    for name in names:
        found = find_device(reader, name)
        if isinstance(found, NotFound) or found.row.id in seen:
            continue
        seen.add(found.row.id)
        memory = found.row.memory_bytes
        offer = prices.offer(provider.id, found.row.id, None, len(host.devices))
        if memory is not None and memory >= need and isinstance(offer, Match):
            yield found.row, offer.row


def _as(host: FarmHost, device: Device, offer: Offer, placement: Placement) -> _Choice:
    memory = device.memory_bytes
    assert memory is not None  # both callers have seen it
    count = len(host.devices)
    before, power = host.spec.rent, host.spec.power
    disk = before.disk if before and before.disk else _disk(host, placement)
    rent = Rent.model_construct(
        provider=offer.provider, gpu=device.id, count=count, kind=offer.kind, disk=disk,
        hours=before.hours if before else None, traffic=before.traffic if before else None,
    )  # fmt: skip
    duty = Power.model_construct(duty=power.duty) if power and power.duty is not None else None
    spec = host.spec.model_copy(
        update={"rent": rent, "owned": None, "power": duty, "address": None, "gpus": ()}
    )
    cards = tuple(HostDevice(index, device, memory) for index in range(count))
    ram = offer.ram_gb * 10**9 if offer.ram_gb else None
    rented = host._replace(spec=spec, devices=cards, address=None, cpu=None, ram_bytes=ram)
    hourly = offer.per_gpu_hour().amount * round_up(count, offer.gpus_together or 1)
    said = f"{count} x {device.id}, {offer.kind}"
    return _Choice(rented, said, hourly)


def _disk(host: FarmHost, placement: Placement) -> int | None:
    """Bytes of disk for the weights of what runs there, and a quarter more."""
    own = [replica.report for replica in placement.replicas if replica.host.name == host.name]
    terms = [t for report in own for size in report.devices for t in size.terms]
    terms += [term for report in own for term in report.host.terms]
    weights = sum(term.bytes for term in terms if term.name == "weights")
    more, of = _DISK_ROOM
    return round_up(weights * more // of, _DISK_STEP) if weights else None
