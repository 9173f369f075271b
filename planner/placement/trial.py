"""Whether a farm, as it is or changed, has a place for everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.farm import Farm
from planner.placement.attempt import Sizer
from planner.placement.beside import Footprint, beside, enter
from planner.placement.greedy import best_choice
from planner.placement.instance import Level, Spot, score
from planner.placement.ledger import Ledger
from planner.placement.lexicographic import Solver, solve_exactly
from planner.placement.problem import Problem, pose
from planner.room import rooms

_WORK = 1.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried: how many replicas have no place, and where the others would be."""

    unplaced: int
    problem: Problem
    spots: tuple[Spot, ...]

    def hosts(self, model: str) -> tuple[str, ...]:
        """The hosts that a model's replicas would be on."""
        found = [s for s in self.spots if self.problem.models[s.group].name == model]
        return tuple(dict.fromkeys(self.problem.instance.sites[s.site].name for s in found))


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a trial needs beside the farm."""

    size: Sizer
    sizes: Mapping[str, Footprint]
    solver: Solver

    def tried(self, farm: Farm) -> Trial:
        """Place everything, for the sake of fitting alone."""
        room_of, _ = rooms(farm.hosts)
        ledger = Ledger(room_of)
        enter(beside(farm, self.sizes), ledger, room_of)
        problem = pose(farm, room_of, ledger, self.size)
        spots = best_choice(problem.instance)
        if score(problem.instance, spots)[Level.UNPLACED]:
            levels = (Level.UNPLACED,)
            spots = solve_exactly(problem.instance, spots, self.solver, _WORK, levels).spots
        return Trial(score(problem.instance, spots)[Level.UNPLACED], problem, spots)
