"""Leaves what runs where it is, as long as everything asked for has a place beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from planner.placement.greedy import Books
from planner.placement.instance import LEVELS, Instance, Level, Spot, charged, score
from planner.placement.lexicographic import Solution, Solver, solve_exactly
from planner.placement.problem import Problem
from planner.placement.reduce import reduced
from planner.placement.solve import WORK, can_be_exact, solve
from planner.placement.ways import Way

Replica = tuple[str, int]  # a model's name, and the number of its replica


@dataclass(frozen=True, slots=True)
class Running:
    """Where a replica runs now; ``devices`` are the indices of its cards, None when not known, and
    ``memory_share`` what of each it may take (None: no cap)."""

    host: str
    devices: tuple[int, ...] | None = None
    memory_share: float | None = None


# Moving costs an interruption, so once something must move, that little moves comes before money.
_MOVING = (
    Level.UNPLACED, Level.MOVED, Level.COST, Level.APART, Level.SPEED, Level.HEADROOM, Level.ORDER,
)  # fmt: skip

Seats = dict[tuple[int, int], Spot]  # (group, replica's index) and where it is
Budget = Callable[[], int | None]  # what hosts in use may be charged together; None: no limit


def unlimited() -> int | None:
    """No budget."""
    return None


def solve_beside(
    problem: Problem,
    running: Mapping[Replica, Running],
    solver: Solver,
    *,
    anew: bool = False,
    budget: Budget = unlimited,
) -> tuple[Solution, Seats]:
    """The best assignment that moves nothing of ``running`` (by model and index).

    Where something would then have no place, or the month would go over the ``budget``, the one
    that moves least. ``anew`` lets everything move that is better off elsewhere: of equally good
    places, those where most stays. The second value says which replica stays where.
    """
    stays = kept(problem, running)
    found, seats = _beside(problem, stays, solver, anew=anew)
    spent = charged(problem.instance, found.spots)
    most = budget() if spent else None
    if most is None or not 0 <= most < spent or not can_be_exact(problem.instance):
        return found, seats
    levels = _MOVING if stays and not anew else LEVELS
    held = replace(_counting(problem.instance, stays), budget=most)
    within = solve_exactly(held, (), solver, WORK, levels)
    left_out = [score(problem.instance, one.spots)[Level.UNPLACED] for one in (found, within)]
    # all that is asked for comes before the budget, which is a wall further on
    return (found, seats) if left_out[1] > left_out[0] else (within, _staying(stays, within))


def _beside(
    problem: Problem, stays: Seats, solver: Solver, *, anew: bool
) -> tuple[Solution, Seats]:
    if not stays:
        return solve(problem.instance, solver), {}
    if anew:
        found = solve(_counting(problem.instance, stays), solver)
        return found, _staying(stays, found)
    fixed = tuple(stays.values())
    found = solve(reduced(problem.instance, fixed), solver)
    beside = Solution((*fixed, *found.spots), found.proofs)
    lost = score(problem.instance, beside.spots)[Level.UNPLACED]
    if not lost:
        return beside, stays
    moved = solve_exactly(_counting(problem.instance, stays), fixed, solver, WORK, _MOVING)
    if score(problem.instance, moved.spots)[Level.UNPLACED] >= lost:
        return beside, stays
    return moved, _staying(stays, moved)


def kept(problem: Problem, running: Mapping[Replica, Running]) -> Seats:
    """Spots of the replicas that can stay: asked for, allowed and fitting where they run."""
    books = Books(problem.instance)
    places = {site.name: number for number, site in enumerate(problem.instance.sites)}
    seats: Seats = {}
    for group, indices in enumerate(problem.indices):
        for index in indices:
            now = running.get((problem.models[group].name, index))
            if now is None or now.host not in places:
                continue
            spot = _spot(problem, books, group, places[now.host], now)
            if spot is not None:
                books.take(spot)
                seats[group, index] = spot
    return seats


def _spot(problem: Problem, books: Books, group: int, where: int, now: Running) -> Spot | None:
    """As it runs now; else on those cards in another way, else anywhere on that host."""
    wanted, site = problem.instance.groups[group], problem.instance.sites[where]
    ways = list(enumerate(wanted.on(site)))
    if now.devices is not None:
        keys = problem.keys(where, now.devices)
        ways.sort(key=lambda item: _unlike(problem.way(group, where, item[0]), now))
        for number, option in ways:
            cards = books.those(wanted, where, option, keys)
            if cards is not None:
                return Spot(group, where, number, cards)
    for number, option in ways:
        cards = books.cards(wanted, where, option)
        if cards is not None:
            return Spot(group, where, number, cards)
    return None


def _unlike(way: Way, now: Running) -> tuple[bool, bool]:
    """How far a way is from how the replica runs: its cap first, then whether it has one at all."""
    share = way.model.memory_share
    return (share != now.memory_share, (share is None) != (now.memory_share is None))


def _counting(instance: Instance, stays: Seats) -> Instance:
    """The instance with the number of running replicas by group and host."""
    running: dict[int, dict[str, int]] = {}
    for (group, _), spot in stays.items():
        here = running.setdefault(group, {})
        name = instance.sites[spot.site].name
        here[name] = here.get(name, 0) + 1
    groups = tuple(
        replace(group, running=running.get(number, {}))
        for number, group in enumerate(instance.groups)
    )
    return replace(instance, groups=groups)


def _staying(stays: Seats, moved: Solution) -> Seats:
    """Which of the running replicas are on their host still: by group and host, in order."""
    left = list(moved.spots)
    seats: Seats = {}
    for exact in (True, False):
        for key, spot in stays.items():
            if key in seats:
                continue
            same = [s for s in left if (s.group, s.site) == (spot.group, spot.site)]
            same = [s for s in same if s.cards == spot.cards] if exact else same
            if same:
                left.remove(same[0])
                seats[key] = same[0]
    return seats
