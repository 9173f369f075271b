"""Plans for large farms: patterns fit their cards, and make a plan that unfolds as it is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.placement import farm
from planner.placement.classes import ClassModel, classes
from planner.placement.cpsat import solve as cpsat
from planner.placement.glop import relaxed
from planner.placement.greedy import first_fit_decreasing
from planner.placement.instance import Instance, Level, score
from planner.placement.knapsack import fullest
from planner.placement.linear import LinearModel, added
from planner.placement.patterns import PatternModel, patterns
from planner.placement.plans import planned
from tests.placement.enumeration import possible


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30)), max_size=9), st.integers(0, 60))
def test_the_fullest_set_is_the_best_of_all_sets(things: list[tuple[int, int]], room: int) -> None:
    worth, sizes = [w for w, _ in things], [s for _, s in things]
    value, chosen = fullest(worth, sizes, room)
    sums = [0]
    for mask in range(1 << len(things)):
        inside = [n for n in range(len(things)) if mask >> n & 1]
        if sum(sizes[n] for n in inside) <= room:
            sums.append(sum(worth[n] for n in inside))
    assert value == max(sums) == sum(worth[n] for n in chosen)
    assert sum(sizes[n] for n in chosen) <= room


def test_the_relaxation_tells_its_optimum_and_what_a_row_is_worth() -> None:
    model = LinearModel()
    one, two = model.variable(0, 100), model.variable(0, 100)
    model.row([(one, 3), (two, 2)], low=1200 // 100)
    found = relaxed(model, {one: 5000, two: 3000})
    assert found is not None
    assert abs(found.objective - 18000) < 1e-3
    assert abs(found.duals[0] - 1500) < 1e-3
    model.row([(one, 1), (two, 1)], high=3)
    assert relaxed(model, {one: 1, two: 1}) is None


def placing_all(instance: Instance) -> ClassModel:
    model = ClassModel(instance, classes(instance))
    wanted = sum(group.count for group in instance.groups)
    model.linear.row(model.levels[Level.UNPLACED], high=-wanted)
    return model


def test_every_pattern_fits_its_card_and_no_family_is_there_twice() -> None:
    instance = farm(60, 240)
    model = placing_all(instance)
    found = patterns(model, added(model.levels[Level.COST]), 10)
    assert any(len(pattern.variables) > 2 for pattern in found)
    for pattern in found:
        one = model.bins[pattern.number]
        ways = {way.variable: way for way in one.ways}
        inside = [ways[variable] for variable in pattern.variables]
        assert sum(way.memory for way in inside) <= one.room
        assert len({way.family for way in inside}) == len(inside)


def test_settling_leaves_a_plan_that_is_possible() -> None:
    instance = farm(60, 240)
    model = placing_all(instance)
    cost = added(model.levels[Level.COST])
    master = PatternModel(model, patterns(model, cost, 10))
    master.settle({**cost, **master.fines})
    assert any(master.linear.low[here] for here, _ in master.cards)
    assert cpsat(master.linear, {**cost, **master.fines}, None, 1.0).found


def test_plans_are_valid_and_cheaper_than_first_fit_decreasing() -> None:
    instance = farm(60, 240)
    found = list(planned(instance, classes(instance), cpsat, 2.0))
    assert found
    for spots in found:
        assert possible(instance, [(s.group, s.site, s.option, s.cards) for s in spots])
    first = score(instance, first_fit_decreasing(instance))
    assert min(score(instance, spots) for spots in found) < first
