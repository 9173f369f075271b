"""Plans over classes of equal hosts, each turned into replicas on hosts.

Cost first, as for every farm; then, without giving up any of it, apartness, speed and headroom.
After each level there is a plan, because the tighter one is the worse it may unfold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from planner.placement.classes import ClassModel, SiteClass, counted
from planner.placement.dive import dive
from planner.placement.instance import Instance, Level, Spot
from planner.placement.lexicographic import Solver
from planner.placement.linear import Answer, added, total
from planner.placement.patterns import PatternModel, laid, patterns
from planner.placement.unfold import Cards, Packing, unfold

# of the solver's work; the cost is what most depends on
_SHARES: Final = {Level.APART: 0.08, Level.SPEED: 0.08, Level.HEADROOM: 0.05}
_FIRST: Final = 0.1
# dives for the cost: cards left to the solver; whether cost and what has no place are weighed
# together, or only the second within the least cost; the share of work
_TURNS: Final = ((16.0, True, 0.2), (6.0, True, 0.2), (6.0, False, 0.15))
_MANY: Final = 500  # hosts; in RAM of so many a plan leaves room, for pools do not unfold exactly
_SLACK: Final = 15  # thousandths


@dataclass(frozen=True, slots=True)
class Floor:
    """What no sum of a class model can beat: of replicas placed, taken negative, and of the cost
    while that sum is at most ``reached``. ``values`` are a solution of the model with that sum."""

    placed: int
    reached: int
    cost: int
    values: tuple[int, ...]


def floor(model: ClassModel, solver: Solver, work: float) -> Floor | None:
    """Both bounds of a model; None when it is not even known that there is an assignment."""
    linear, placed = model.linear.copy(), added(model.levels[Level.UNPLACED])
    most = solver(linear, placed, None, work * _FIRST)
    if not most.found:
        return None
    linear.row(placed.items(), high=most.objective)
    least = solver(linear, added(model.levels[Level.COST]), None, work * _FIRST)
    if not least.found:
        return Floor(most.bound, most.objective, 0, most.values)
    return Floor(most.bound, most.objective, least.bound, least.values)


def planned(
    instance: Instance,
    of: tuple[SiteClass, ...],
    solver: Solver,
    work: float,
    least: Floor | None = None,
) -> Iterator[tuple[Spot, ...]]:
    """Assignments, the later the better for the levels that come last.

    ``least`` is the floor of the classes without slack, where it is known already.
    """
    many = len(instance.sites) > _MANY
    slack = _SLACK if many else 0
    model = ClassModel(instance, of, slack, cuts=False)
    if slack or least is None:
        least = floor(ClassModel(instance, of, slack), solver, work)
    if least is None:
        return
    model.linear.row(added(model.levels[Level.UNPLACED]).items(), high=least.reached)
    cost = added(model.levels[Level.COST])
    model.linear.row(cost.items(), low=least.cost)  # it stops there
    packings = (Packing.FULLEST,) if many else tuple(Packing)

    def put(values: Sequence[int], cards: Cards | None = None) -> Iterator[tuple[Spot, ...]]:
        used, counts = [values[v] for v in model.used], counted(model, values)
        for packing in packings:
            yield unfold(instance, of, counts, used, packing, cards)

    rough = list(put(least.values))
    yield from rough
    master = patterns(model, cost, (p for spots in rough for p in laid(model, spots)))
    wanted = {**cost, **master.fines}
    answer, capped = Answer.nothing(), master.linear
    for rest, weighed, share in _TURNS:
        if weighed:
            dive(master, wanted, rest)
        else:  # the same dive, held to the floor: what is over may find a gap
            capped = master.linear.copy()
            capped.row(cost.items(), high=least.cost)
        linear, objective = (master.linear, wanted) if weighed else (capped, master.fines)
        other = solver(linear, objective, None, work * share)
        if other.found:
            yield from put(other.values, _cards(master, other))
        value = total(wanted, other.values) if other.found else 0
        if other.found and (not answer.found or value < total(wanted, answer.values)):
            answer = other
        if answer.found and total(wanted, answer.values) <= least.cost:
            break
    if not answer.found:
        return
    master.unsettle()
    master.linear.row(wanted.items(), high=total(wanted, answer.values))
    for level, share in _SHARES.items():
        goal, hint = added(model.levels[level]), list(answer.values)
        answer = solver(master.linear, goal, hint, work * share)
        if not answer.found:
            return
        master.linear.row(goal.items(), high=answer.objective)
        yield from put(answer.values, _cards(master, answer))


def _cards(master: PatternModel, answer: Answer) -> Cards:
    """What the shared cards of each class and slot hold in an answer."""
    ways = {variable: (group, option) for variable, _, group, option in master.model.counts}
    found: dict[tuple[int, int], list[tuple[Sequence[tuple[int, int]], int]]] = defaultdict(list)
    for here, pattern in master.cards:
        if answer.values[here]:
            one = master.model.bins[pattern.number]
            keys = tuple(ways[variable] for variable in pattern.variables)
            found[one.place, one.slot].append((keys, answer.values[here]))
    return found
