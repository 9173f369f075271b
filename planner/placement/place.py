"""Which replica runs where: as written by ``on``, otherwise the first host with room.

The stage between sizing and cost. Pure: the sizer comes in as a function.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from planner.diagnostics import Diagnostic, note
from planner.farm import Farm, FarmHost, FarmModel, HostDevice, Placed, Placement
from planner.placement.attempt import Attempt, Sizer
from planner.placement.beside import Footprint, beside, enter
from planner.placement.context import chosen_context, said_of
from planner.placement.explain import no_place
from planner.placement.first_fit import first_fit
from planner.placement.ledger import Ledger
from planner.placement.ports import PortWish, assign_ports
from planner.placement.room import Room, rooms
from planner.sizing.values import SizeReport


@dataclass(frozen=True, slots=True)
class _Seat:
    """A replica that found its place and still needs its port."""

    model: FarmModel
    index: int
    attempt: Attempt
    report: SizeReport
    reason: str

    @property
    def host(self) -> FarmHost:
        """Where it is."""
        return self.attempt.room.host


@dataclass(slots=True)
class _Lost:
    """Replicas of one model that found no place on the same hosts."""

    model: FarmModel
    names: list[str]
    tried: tuple[Attempt, ...]


def place(
    farm: Farm, size: Sizer, beside_sizes: Mapping[str, Footprint] | None = None
) -> tuple[Placement, tuple[Diagnostic, ...]]:
    """Give every replica devices of a host, a port and a reason; never over-commit anything.

    ``size`` tells what a replica takes on given devices of a host (none: from RAM alone); of the
    host it may look at CPU, sockets and RAM, and its devices go by position, not by index.
    ``beside_sizes`` are sizes of stores and services by resource name (``stores.knowledge``);
    what is missing there is named in a note and not counted. Replicas with ``on`` are placed
    first, in document order, so that others do not take their room. What fits nowhere is left out
    with an error. The diagnostics include those of sizing for every replica that was placed.
    """
    room_of, found = rooms(farm.hosts)
    ledger = Ledger(room_of)
    found += enter(beside(farm, beside_sizes or {}), ledger, room_of)
    sizer = _remembering(size)
    seats: list[_Seat] = []
    lost: list[_Lost] = []
    for model in sorted(farm.models, key=lambda m: not m.spec.on):
        own = tuple(_replicas(model, room_of, ledger, sizer, lost))
        seats += _alike(model, own, sizer)
    found += tuple(
        no_place(item.model, tuple(item.names), item.tried, room_of, ledger, sizer) for item in lost
    )
    placed = {seat.model.name: seat.model for seat in seats}
    for model in farm.models:
        found += said_of(model, placed.get(model.name, model))
    found += (*_idle_pins(farm.models), *_not_weighed(farm.models))
    found += tuple(_unchecked(seats))
    found += tuple(_of_sizing(seats))
    left = tuple(name for item in lost for name in item.names)
    return Placement(farm, _with_ports(farm, seats, ledger), left), tuple(dict.fromkeys(found))


def _remembering(size: Sizer) -> Sizer:
    """The same function, asked once for the same replica on equal devices of equal hosts.

    A farm of a hundred like machines is then sized as one.
    """
    known: dict[tuple[object, ...], tuple[FarmModel, SizeReport]] = {}

    def sized(model: FarmModel, host: FarmHost, devices: tuple[HostDevice, ...]) -> SizeReport:
        cpu = host.cpu.id if host.cpu else None
        cards = tuple((device.device.id, device.memory_bytes) for device in devices)
        # the model by identity, and held so that its id is not given to another
        key = (id(model), cpu, host.spec.sockets, host.ram_bytes, cards)
        if key not in known:
            known[key] = (model, size(model, host, devices))
        return known[key][1]

    return sized


def _replicas(
    model: FarmModel,
    room_of: Mapping[str, Room],
    ledger: Ledger,
    size: Sizer,
    lost: list[_Lost],
) -> Iterator[_Seat]:
    """Seats for the replicas of a model; those without one go to ``lost``, once per host."""
    full: dict[tuple[str, ...], _Lost] = {}
    for index in range(model.spec.replicas):
        names = _allowed(model, index, room_of)
        name = f"models.{model.name}[{index}]"
        if names in full:  # the ledger only fills up: what had no room has none now
            full[names].names.append(name)
            continue
        search = first_fit(
            model, [room_of[n] for n in names], ledger, size, pinned=bool(model.spec.on)
        )
        attempt = search.found
        if attempt is None or attempt.report is None:
            full[names] = _Lost(model, [name], search.tried)
            lost.append(full[names])
            continue
        ledger.take(attempt.room.host.name, attempt.demand, name)
        yield _Seat(attempt.model, index, attempt, attempt.report, search.reason)


def _alike(asked: FarmModel, seats: tuple[_Seat, ...], size: Sizer) -> tuple[_Seat, ...]:
    """The seats with one context for all: a shorter one never takes more than was booked."""
    chosen = chosen_context(asked, (seat.model for seat in seats))
    return tuple(
        seat
        if seat.model.context == chosen.context
        else replace(seat, model=chosen, report=size(chosen, seat.host, seat.attempt.devices))
        for seat in seats
    )


def _of_sizing(seats: Iterable[_Seat]) -> Iterator[Diagnostic]:
    """What sizing said of what was placed, each finding at its model."""
    for seat in seats:
        for finding in seat.report.diagnostics:
            at = finding.path or ("models", seat.model.name)
            yield replace(finding, path=at)


def _allowed(model: FarmModel, index: int, room_of: Mapping[str, Room]) -> tuple[str, ...]:
    """The one host that ``on`` names for this replica, cycling; every host without ``on``."""
    if not model.spec.on:
        return tuple(room_of)
    name = model.spec.on[index % len(model.spec.on)]
    return (name,) if name in room_of else ()


def _with_ports(farm: Farm, seats: Iterable[_Seat], ledger: Ledger) -> tuple[Placed, ...]:
    """The seats as replicas in document order, each with its port."""
    every = list(seats)
    wishes = [PortWish(s.host.name, s.model.name, s.index, s.model.spec.port) for s in every]
    taken = {wish.host: set(ledger.ports(wish.host)) for wish in wishes}
    ports = assign_ports(farm.project, wishes, taken)
    order = {model.name: place for place, model in enumerate(farm.models)}
    every.sort(key=lambda seat: (order[seat.model.name], seat.index))
    return tuple(
        Placed(
            model=seat.model,
            index=seat.index,
            host=seat.host,
            devices=seat.attempt.devices,
            report=seat.report,
            port=ports[seat.model.name, seat.index],
            reason=seat.reason,
        )
        for seat in every
    )


def _idle_pins(models: Iterable[FarmModel]) -> Iterator[Diagnostic]:
    """A note for each model whose ``on`` names more hosts than it has replicas."""
    for model in models:
        replicas, on = model.spec.replicas, model.spec.on
        if len(on) > replicas:
            yield note(
                f"nothing of {model.name} runs on {', '.join(on[replicas:])}: "
                f"replicas is {replicas}",
                "models",
                model.name,
                "on",
                advice=f"write `replicas: {len(on)}` for one on each",
            )


def _not_weighed(models: Iterable[FarmModel]) -> Iterator[Diagnostic]:
    """A note for each wish that this placement does not know how to grant."""
    for model in models:
        if model.spec.near is not None:
            yield note(
                f"near {model.spec.near} is not weighed yet",
                "models",
                model.name,
                "near",
                advice=f"write models.{model.name}.on to put it there",
            )


def _unchecked(seats: Iterable[_Seat]) -> Iterator[Diagnostic]:
    """A note for each host whose RAM or disk is used but not known."""
    ram: dict[str, None] = {}
    disk: dict[str, None] = {}
    for seat in seats:
        room, wanted, name = seat.attempt.room, seat.attempt.demand, seat.host.name
        if room.ram_bytes is None and not room.ram_charges and wanted.ram_bytes:
            ram[name] = None
        if room.disk_bytes is None and not room.disk_charges and wanted.stored:
            disk[name] = None
    for name in ram:
        yield _not_checked("RAM", name, f"hosts.{name}.ram, such as 64GiB")
    for name in disk:
        yield _not_checked("disk", name, f"hosts.{name}.disk, such as 1TB")


def _not_checked(what: str, host: str, example: str) -> Diagnostic:
    summary = f"{what} of {host} is not known and was not checked"
    return note(summary, "hosts", host, advice=f"write {example}")
