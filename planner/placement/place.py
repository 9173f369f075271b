"""Which replica runs where: as written by ``on``, otherwise where it is best for the whole farm.

The stage between sizing and cost. Pure: the sizer, the prices and what runs now come in as
arguments. Order of what is weighed: everything asked for, the lowest monthly cost, replicas apart
and near their stores, speed of interactive models, headroom, the order written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from planner.diagnostics import Diagnostic
from planner.farm import Farm, FarmHost, FarmModel, HostDevice, Placed, Placement
from planner.placement.attempt import Sizer
from planner.placement.beside import Footprint, beside, enter
from planner.placement.context import chosen_context, said_of
from planner.placement.cpsat import solve as cpsat
from planner.placement.demand import Demand, demand
from planner.placement.explain import Lost, explained
from planner.placement.first_fit import first_fit
from planner.placement.instance import Level, Spot
from planner.placement.keep import Budget, Replica, Running, Seats, solve_beside, unlimited
from planner.placement.ledger import Ledger
from planner.placement.lexicographic import Solution
from planner.placement.ports import PortWish, assign_ports
from planner.placement.problem import MonthlyCost, Problem, pose
from planner.placement.reasons import reasons
from planner.placement.remarks import idle_pins, not_near, unchecked
from planner.placement.trial import Bench
from planner.placement.ways_out import Market
from planner.room import Card, Room, rooms
from planner.sizing.values import SizeReport


@dataclass(frozen=True, slots=True)
class _Seat:
    """A replica that found its place and still needs its port."""

    model: FarmModel
    index: int
    room: Room
    cards: tuple[Card, ...]
    report: SizeReport
    demand: Demand
    reason: tuple[str, str]

    @property
    def host(self) -> FarmHost:
        """Where it is."""
        return self.room.host

    @property
    def devices(self) -> tuple[HostDevice, ...]:
        """Its cards as devices of the host."""
        return tuple(card.device for card in self.cards)


def place(
    farm: Farm,
    size: Sizer,
    beside_sizes: Mapping[str, Footprint] | None = None,
    *,
    cost: MonthlyCost | None = None,
    budget: Budget = unlimited,
    running: Callable[[], Mapping[Replica, Running]] | None = None,
    anew: bool = False,
    market: Callable[[], Market] | None = None,
) -> tuple[Placement, tuple[Diagnostic, ...]]:
    """Give every replica devices of a host, a port and a reason; never over-commit anything.

    ``size`` tells what a replica takes on given devices of a host (none: from RAM alone); of the
    host it may look at CPU, sockets and RAM, and its devices go by position, not by index.
    ``beside_sizes`` are sizes of stores and services by resource name (``stores.knowledge``);
    what is missing there is named in a note and not counted. ``cost`` is what a host adds a month
    when it is used, in hundredths; without it all are alike. ``budget`` is what rented hosts in use
    may come to, asked only when one is used. ``running`` tells where replicas run
    now, by model and index, and is asked only when there is a choice: they stay unless something
    else would then have no place, or, ``anew``, unless they are better off elsewhere. ``market``
    is what could be rented or bought, asked only when something has no place. What fits nowhere
    is left out with an error. The diagnostics include those of sizing for every replica.
    """
    room_of, found = rooms(farm.hosts)
    ledger = Ledger(room_of)
    found += enter(beside(farm, beside_sizes or {}), ledger, room_of)
    sizer = _remembering(size)
    problem = pose(farm, room_of, ledger, sizer, cost)
    now = running() if running is not None and problem.open else {}
    solution, stays = solve_beside(problem, now, cpsat, anew=anew, budget=budget)
    seats = tuple(_seats(problem, solution.spots, stays, room_of))
    for seat in seats:
        ledger.take(seat.host.name, seat.demand, f"models.{seat.model.name}[{seat.index}]")
    lost = tuple(_lost(problem, seats, room_of, ledger, sizer))
    found += explained(farm, lost, Bench(sizer, beside_sizes or {}, cpsat), market)
    seats = _alike(farm, seats, sizer)
    for model in farm.models:
        own = [seat.model for seat in seats if seat.model.name == model.name]
        found += said_of(model, own[0] if own else model)
    placed = _with_ports(farm, seats, ledger)
    found += (*idle_pins(farm.models), *not_near(farm, placed))
    found += tuple(unchecked((seat.room, seat.demand) for seat in seats))
    found += tuple(_of_sizing(seats))
    left = tuple(name for item in lost for name in item.names)
    proof = "" if all(model.spec.on for model in farm.models) else _proof(solution)
    return Placement(farm, placed, left, proof), tuple(dict.fromkeys(found))


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


def _seats(
    problem: Problem, spots: tuple[Spot, ...], stays: Seats, room_of: Mapping[str, Room]
) -> Iterator[_Seat]:
    """The spots as replicas: those that stay keep their number, the rest take the free ones."""
    kept = {id(spot): index for (_, index), spot in stays.items()}
    told = reasons(problem, spots, frozenset(stays.values()))
    why = dict(zip(map(id, spots), told, strict=True))
    for group, indices in enumerate(problem.indices):
        own = [spot for spot in spots if spot.group == group]
        free = iter([i for i in indices if (group, i) not in stays])
        for spot in own:
            index = kept[id(spot)] if id(spot) in kept else next(free)
            way = problem.way(spot.group, spot.site, spot.option)
            room = problem.rooms[spot.site]
            cards = tuple(card for card in room.cards if card.key in spot.cards)
            wanted = demand(way.model, cards, way.report)
            yield _Seat(way.model, index, room, cards, way.report, wanted, why[id(spot)])


def _lost(
    problem: Problem,
    seats: Iterable[_Seat],
    room_of: Mapping[str, Room],
    ledger: Ledger,
    size: Sizer,
) -> Iterator[Lost]:
    """The replicas without a place, one item a model and set of hosts, with what was tried."""
    have = {(seat.model.name, seat.index) for seat in seats}
    for group, indices in enumerate(problem.indices):
        model = problem.models[group]
        names = tuple(f"models.{model.name}[{i}]" for i in indices if (model.name, i) not in have)
        if names:
            allowed = problem.instance.groups[group].sites
            hosts = [room for name, room in room_of.items() if allowed is None or name in allowed]
            search = first_fit(model, hosts, ledger, size, pinned=bool(model.spec.on))
            yield Lost(model, names, search.tried)


def _alike(farm: Farm, seats: tuple[_Seat, ...], size: Sizer) -> tuple[_Seat, ...]:
    """The seats with one context a model: a shorter one never takes more than was booked."""
    chosen = {
        model.name: chosen_context(model, (s.model for s in seats if s.model.name == model.name))
        for model in farm.models
    }
    return tuple(_with_context(seat, chosen[seat.model.name].context, size) for seat in seats)


def _with_context(seat: _Seat, context: int | None, size: Sizer) -> _Seat:
    if seat.model.context == context:
        return seat
    model = seat.model._replace(context=context)
    return replace(seat, model=model, report=size(model, seat.host, seat.devices))


def _of_sizing(seats: Iterable[_Seat]) -> Iterator[Diagnostic]:
    """What sizing said of what was placed, each finding at its model."""
    for seat in seats:
        for finding in seat.report.diagnostics:
            at = finding.path or ("models", seat.model.name)
            yield replace(finding, path=at)


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
            devices=seat.devices,
            report=seat.report,
            port=ports[seat.model.name, seat.index],
            reason=seat.reason[0],
            runner_up=seat.reason[1],
        )
        for seat in every
    )


def _proof(solution: Solution) -> str:
    """How good the answer is known to be, in a few words; empty where nothing was asked for."""
    if not solution.spots:
        return ""
    if solution.optimal:
        return "nothing better exists: proven"
    worst = [p for p in solution.proofs if p.gap and p.level is not Level.ORDER]
    if not worst:
        return "nothing better exists, but for the order of hosts: proven"
    said = ", ".join(f"{p.level.name.lower()} {p.gap:.1%}" for p in worst)
    return f"at most so far from the best there is: {said}"
