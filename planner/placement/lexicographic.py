"""Level after level: each is made as small as it can be without giving up any of those before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from planner.placement.exact import ExactModel
from planner.placement.greedy import ideal
from planner.placement.instance import LEVELS, Instance, Level, Spot, constant, score
from planner.placement.linear import Answer, LinearModel, added

Solver = Callable[[LinearModel, Mapping[int, int], list[int] | None, float], Answer]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a level came to, and the value that no assignment can beat (given those before it)."""

    level: Level
    value: int
    bound: int

    @property
    def gap(self) -> float:
        """How far the value may be from the best, as a share of the value."""
        return 0.0 if self.value <= self.bound else (self.value - self.bound) / abs(self.value)


@dataclass(frozen=True, slots=True)
class Solution:
    """The best assignment found, with a proof for each level."""

    spots: tuple[Spot, ...]
    proofs: tuple[Proof, ...]

    @property
    def optimal(self) -> bool:
        """Whether every level is proven."""
        return all(proof.value <= proof.bound for proof in self.proofs)


def solve_exactly(
    instance: Instance,
    start: tuple[Spot, ...],
    solve: Solver,
    work: float,
    levels: tuple[Level, ...] = LEVELS,
) -> Solution:
    """The best assignment of the exact model, from ``start`` on, with ``work`` for all levels."""
    model = ExactModel(instance)
    spots, reached = start, score(instance, start)
    hint = model.hint(start)
    floor = ideal(instance)
    proofs: list[Proof] = []
    for level in levels:
        objective, offset = added(model.levels[level]), constant(instance, level)
        bound = _least(model.linear, objective) + offset
        if level < len(floor) and not reached[Level.UNPLACED]:  # alone says nothing of what is out
            bound = max(bound, floor[level])
        if reached[level] > bound:
            answer = solve(model.linear, objective, hint, work)
            work = max(work / 20, work - answer.work)
            if answer.found:
                hint = list(answer.values)
                spots = model.spots(answer.values)
                reached = score(instance, spots)
                bound = max(bound, answer.bound + offset)
        model.linear.row(objective.items(), high=reached[level] - offset)
        proofs.append(Proof(level, reached[level], min(bound, reached[level])))
    return Solution(spots, tuple(proofs))


def _least(model: LinearModel, objective: Mapping[int, int]) -> int:
    return sum(f * (model.low[v] if f > 0 else model.high[v]) for v, f in objective.items())
