"""The farm bought: rented cards, and own ones without a written price, at their street price."""

from __future__ import annotations

from decimal import Decimal

from planner.blueprint.schedule import ALWAYS
from planner.blueprint.schema import Owned, Power
from planner.catalogue.device import StreetPrice
from planner.catalogue.figure import date_order
from planner.cost.figures import decimal, price
from planner.cost.rent import running_hours
from planner.cost.ways.moved import with_hosts
from planner.cost.ways.values import Draft, Sizer
from planner.farm import FarmHost, Placement
from planner.money import HOURS_PER_MONTH, Money


def bought_way(placement: Placement, size: Sizer) -> Draft | None:
    """Every rented host as an own one; None when there is nothing to buy.

    Only the cards are priced: what the machine around them costs is not known, and is said.
    """
    changed: dict[str, FarmHost] = {}
    said: list[tuple[str, str]] = []
    kept: list[str] = []
    for host in placement.farm.hosts:
        if not host.devices or host.spec.within is not None or host.spec.owned is not None:
            continue
        street = [newest_price(device.device.street_prices) for device in host.devices]
        known = [item for item in street if item is not None]
        if len(known) < len(street) or len({item.low.currency for item in known}) > 1:
            kept.append(host.name)
            continue
        total = sum((_middle(item) for item in known), Decimal())
        money = Money(total, known[0].low.currency)
        changed[host.name] = _owned(host, money)
        days = ", ".join(dict.fromkeys(item.source.label() for item in known))
        said.append((host.name, f"{len(known)} x {host.devices[0].device.id} for {price(money)} "
                                f"({days})"))  # fmt: skip
    if not changed:
        return None
    farm, moved = with_hosts(placement, changed, size)
    remarks = ("only the cards are priced: the machine around them is not counted",)
    return Draft("buy", farm, moved, tuple(said), tuple(kept), remarks, partial=True)


def newest_price(prices: tuple[StreetPrice, ...]) -> StreetPrice | None:
    """The newest price of a new card; of a used one where nothing else is known."""
    new = [item for item in prices if item.condition == "new"] or list(prices)
    return max(new, key=lambda item: date_order(item.source.date), default=None)


def _middle(item: StreetPrice) -> Decimal:
    return (item.low.amount + item.high.amount) / 2


def _owned(host: FarmHost, money: Money) -> FarmHost:
    """The host bought over four years; it works in the hours for which it was rented."""
    power, rent = host.spec.power, host.spec.rent
    if rent is not None and power is None:
        schedule = running_hours(rent)
        share = decimal(schedule.month_hours) / HOURS_PER_MONTH
        power = None if schedule is ALWAYS else Power.model_construct(duty=share)
    owned = Owned.model_construct(price=money, years=4.0)
    spec = host.spec.model_copy(
        update={"rent": None, "owned": owned, "power": power, "address": f"{host.name}:bought"}
    )
    return host._replace(spec=spec)
