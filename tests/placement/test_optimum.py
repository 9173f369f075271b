"""The solver against enumeration: on 200 small problems its answer is the best there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.placement import farm
from planner.placement.cpsat import solve as cpsat
from planner.placement.greedy import best_choice, first_fit_decreasing
from planner.placement.instance import LEVELS, Instance, Level, score
from planner.placement.lexicographic import solve_exactly
from planner.placement.solve import solve
from tests.placement.enumeration import assignments, optimum, possible, value
from tests.placement.instances import small


def seats(spots):
    return [(spot.group, spot.site, spot.option, spot.cards) for spot in spots]


@pytest.mark.parametrize("tens", range(20))
def test_the_answer_is_the_optimum(tens: int) -> None:
    for seed in range(10 * tens, 10 * tens + 10):
        problem = small(seed)
        best = optimum(problem)
        for found in (solve(problem, cpsat), solve_exactly(problem, (), cpsat, 4.0)):
            assert possible(problem, seats(found.spots)), seed
            assert score(problem, found.spots) == best, seed
            assert found.optimal, seed
            assert tuple(proof.value for proof in found.proofs)[: Level.ORDER] == best[:-1], seed


@pytest.mark.parametrize("tens", range(20))
def test_the_answer_within_a_budget_is_the_optimum_of_those_within_it(tens: int) -> None:
    """Whatever comes before money, what counts against the budget stays below it."""
    moving = (Level.UNPLACED, Level.MOVED, *(v for v in LEVELS if v not in _FIRST))
    for seed in range(10 * tens, 10 * tens + 10):
        problem = charging(seed)
        held = replace(problem, budget=seed % 90)
        found = solve_exactly(held, (), cpsat, 4.0, moving)
        assert possible(held, seats(found.spots)), seed
        values = score(held, found.spots)
        best = min(
            (tuple(value(held, s)[level] for level in moving) for s in assignments(held)),
        )
        assert tuple(values[level] for level in moving) == best, seed


def test_budgets_bind_in_many_of_the_problems() -> None:
    dearer = sum(
        optimum(charging(seed))[0] < optimum(replace(charging(seed), budget=seed % 90))[0]
        for seed in range(200)
    )
    assert dearer > 20


_FIRST = (Level.UNPLACED, Level.MOVED)


def charging(seed: int) -> Instance:
    """A small problem whose hosts of some cost are all charged for."""
    problem = small(seed)
    return replace(problem, sites=tuple(replace(s, charged=s.cost) for s in problem.sites))


def test_the_problems_are_not_trivial() -> None:
    """Where first fit or the best choice of the moment always won, nothing would be shown."""
    fit = choice = 0
    for seed in range(200):
        problem, best = small(seed), optimum(small(seed))
        fit += score(problem, first_fit_decreasing(problem)) == best
        choice += score(problem, best_choice(problem)) == best
        assert possible(problem, seats(best_choice(problem))), seed
    assert fit < 150
    assert choice < 190
    assert sum(1 for _ in assignments(small(3))) > 1


def test_a_large_farm_is_valid_bounded_and_never_worse_than_first_fit_decreasing() -> None:
    problem = farm(60, 240)
    found = solve(problem, cpsat)
    values = score(problem, found.spots)
    assert possible(problem, seats(found.spots))
    assert values <= score(problem, first_fit_decreasing(problem))
    assert values[Level.UNPLACED] == 0
    assert all(proof.bound <= proof.value == values[proof.level] for proof in found.proofs)
    assert found.proofs[Level.COST].bound > 0
