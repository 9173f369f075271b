"""Solves a placement problem: by looking, exactly, or over classes of equal hosts.

First every replica goes where it adds least. When nobody could have it better, that is the
optimum and no solver is loaded. Else the exact model decides; where it would be too large, classes
of equal hosts give a bound and a plan that is unfolded, and the best answer seen is returned with
the gap that is left.
"""

from __future__ import annotations

from typing import Final

from planner.placement.classes import ClassModel, classes
from planner.placement.greedy import best_choice, first_fit_decreasing, ideal
from planner.placement.instance import LEVELS, Instance, Level, Spot, constant, score
from planner.placement.lexicographic import Proof, Solution, Solver, solve_exactly
from planner.placement.linear import added
from planner.placement.plans import Floor, floor, planned

WORK: Final = 4.0  # units of the solver's own clock, for one problem; about as many seconds
_EXACT: Final = 4000  # more variables than this are solved over classes
_GREEDY: Final = 300_000  # replicas x hosts that are tried one by one


def solve(instance: Instance, solver: Solver, work: float = WORK) -> Solution:
    """The best assignment found within ``work``, with a proof for each level.

    Never worse than first-fit decreasing, level by level. The same for the same input.
    """
    start = _start(instance)
    seen = looked(instance, start)
    if seen is not None:
        return seen
    if can_be_exact(instance):
        return solve_exactly(instance, start, solver, work)
    return _over_classes(instance, start, solver, work)


def looked(instance: Instance, spots: tuple[Spot, ...]) -> Solution | None:
    """The assignment with its proof when no replica could have it better alone, else None."""
    values, least = score(instance, spots), ideal(instance)
    if values[: len(least)] != least:
        return None
    bounds = (*least, values[Level.ORDER])
    proofs = zip(LEVELS, values, bounds, strict=True)
    return Solution(spots, tuple(Proof(*each) for each in proofs))


def _start(instance: Instance) -> tuple[Spot, ...]:
    found = [first_fit_decreasing(instance)]
    replicas = sum(group.count for group in instance.groups)
    if replicas * len(instance.sites) <= _GREEDY:
        found.append(best_choice(instance))
    return min(found, key=lambda spots: score(instance, spots))


def can_be_exact(instance: Instance) -> bool:
    """Whether the exact model is small enough to be solved as it is."""
    return _variables(instance) <= _EXACT


def _variables(instance: Instance) -> int:
    """About how many variables the exact model has."""
    count = 0
    for group in instance.groups:
        for site in instance.sites:
            for option in group.on(site):
                shares = option.slot is not None and not option.whole
                count += len(site.slots[option.slot or 0]) if shares else 1
    return count


def _over_classes(
    instance: Instance, start: tuple[Spot, ...], solver: Solver, work: float
) -> Solution:
    of = classes(instance)
    model = ClassModel(instance, of)
    least = floor(model, solver, work)
    found = [start, *planned(instance, of, solver, work, least)]
    best = min(found, key=lambda spots: score(instance, spots))
    return Solution(best, _bounds(instance, model, best, least, solver, work / 6))


def _bounds(
    instance: Instance, model: ClassModel, spots: tuple[Spot, ...], least: Floor | None,
    solver: Solver, work: float,
) -> tuple[Proof, ...]:  # fmt: skip
    """For each level the least that the classes allow when all levels before are as reached."""
    proofs: list[Proof] = []
    values = score(instance, spots)
    known = _known(instance, values, least)
    for level in LEVELS[: Level.ORDER]:
        objective = added(model.levels[level])
        offset = constant(instance, level)
        bound = known.get(level)
        if bound is None:
            answer = solver(model.linear, objective, None, work / 5)
            bound = answer.bound + offset if answer.found else 0
        proofs.append(Proof(level, values[level], min(values[level], bound)))
        model.linear.row(objective.items(), high=values[level] - offset)
    return tuple(proofs)


def _known(instance: Instance, values: tuple[int, ...], least: Floor | None) -> dict[Level, int]:
    """The bounds that the floor has proven already for such values."""
    if least is None:
        return {}
    offset = constant(instance, Level.UNPLACED)
    known = {Level.UNPLACED: least.placed + offset}
    if values[Level.UNPLACED] <= least.reached + offset:
        known[Level.COST] = least.cost
    return known
