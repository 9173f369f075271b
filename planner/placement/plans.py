"""Plans over classes of equal hosts, each turned into replicas on hosts.

Cost first, as for every farm; then, without giving up any of it, apartness, speed and headroom.
After each level there is a plan, because the tighter one is the worse it may unfold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from planner.placement.classes import ClassModel, SiteClass, counted
from planner.placement.instance import Instance, Level, Spot
from planner.placement.lexicographic import Solver
from planner.placement.linear import Answer, added
from planner.placement.patterns import PatternModel, patterns
from planner.placement.unfold import Cards, Packing, unfold

# of the solver's work; the cost is what most depends on
_SHARES: Final = {Level.COST: 0.8, Level.APART: 0.08, Level.SPEED: 0.08, Level.HEADROOM: 0.05}
_FIRST: Final = 0.1
_MANY: Final = 500  # hosts; in RAM of so many a plan leaves room, for pools do not unfold exactly
_SLACK: Final = 15  # thousandths


def planned(
    instance: Instance, of: tuple[SiteClass, ...], solver: Solver, work: float
) -> Iterator[tuple[Spot, ...]]:
    """Assignments, the later the better for the levels that come last."""
    model = ClassModel(instance, of, _SLACK if len(instance.sites) > _MANY else 0)
    placed = added(model.levels[Level.UNPLACED])
    most = solver(model.linear, placed, None, work * _FIRST)
    if not most.found:
        return
    model.linear.row(placed.items(), high=most.objective)
    cost = added(model.levels[Level.COST])
    least = solver(model.linear, cost, None, work * _FIRST)
    model.linear.row(cost.items(), low=least.bound if least.found else None)  # it stops there
    master = PatternModel(model, patterns(model, cost))
    wanted = {**cost, **master.fines}
    master.settle(wanted)
    answer = solver(master.linear, wanted, None, work * _SHARES[Level.COST])
    master.unsettle()
    master.linear.row(wanted.items(), high=answer.objective)
    for level, share in _SHARES.items():
        if level > Level.COST:
            objective, hint = added(model.levels[level]), list(answer.values)
            answer = solver(master.linear, objective, hint, work * share)
            master.linear.row(objective.items(), high=answer.objective)
        if not answer.found:
            return
        used = [answer.values[variable] for variable in model.used]
        counts = counted(model, answer.values)
        for packing in Packing if len(instance.sites) <= _MANY else (Packing.FULLEST,):
            yield unfold(instance, of, counts, used, packing, _cards(master, answer))


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
