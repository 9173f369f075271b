"""Plans for large farms: patterns fit their cards, and make a plan that unfolds as it is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.placement import farm
from planner.placement.classes import IN_RAM, ClassModel, classes
from planner.placement.cpsat import solve as cpsat
from planner.placement.dive import dive
from planner.placement.glop import relaxed
from planner.placement.greedy import first_fit_decreasing
from planner.placement.instance import Group, Instance, Level, Option, Site, score
from planner.placement.knapsack import fullest
from planner.placement.linear import LinearModel, added
from planner.placement.patterns import laid, patterns
from planner.placement.plans import floor, planned
from planner.placement.solve import solve
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


def test_every_pattern_fits_its_bin_and_no_family_is_on_a_card_twice() -> None:
    instance = farm(60, 240)
    model = placing_all(instance)
    master = patterns(model, added(model.levels[Level.COST]), (), 10)
    found = [pattern for _, pattern in master.cards]
    assert any(len(pattern.variables) > 2 for pattern in found)
    for pattern in found:
        one = model.bins[pattern.number]
        ways = {way.variable: way for way in one.ways}
        inside = [ways[variable] for variable in pattern.variables]
        assert sum(way.memory for way in inside) <= one.room
        if one.slot != IN_RAM:
            assert len({way.family for way in inside}) == len(inside)
        else:
            for way in one.ways:
                assert inside.count(way) <= way.most


def test_an_assignment_shows_what_each_bin_holds() -> None:
    instance = farm(60, 240)
    model = placing_all(instance)
    spots = first_fit_decreasing(instance)
    held = list(laid(model, spots))
    assert sum(len(p.variables) for p in held) > len(spots) / 2
    for pattern in held:
        one = model.bins[pattern.number]
        sizes = {way.variable: way.memory for way in one.ways}
        assert sum(sizes[variable] for variable in pattern.variables) <= one.room


def test_a_dive_leaves_a_plan_that_is_possible_and_little_to_decide() -> None:
    instance = farm(60, 240)
    model = placing_all(instance)
    cost = added(model.levels[Level.COST])
    master = patterns(model, cost)
    wanted = {**cost, **master.fines}
    dive(master, wanted, 4.0)
    given = sum(master.linear.low[here] for here, _ in master.cards)
    answer = cpsat(master.linear, wanted, None, 1.0)
    assert answer.found
    assert given > 0.8 * sum(answer.values[here] for here, _ in master.cards)
    master.unsettle()
    assert not any(master.linear.low[here] for here, _ in master.cards)


def test_hosts_without_cards_are_filled_to_the_brim() -> None:
    """45, 35 and 20 GiB make 100; two of 45 on one host would leave 10 that nothing can use."""
    hosts, sizes = 6, (45, 35, 20)
    pools = {f"{n}/ram": 100 for n in range(hosts)}
    sites = [Site(f"own-{n}", 0, 0, (), {"ram": (f"{n}/ram",)}, f"own-{n}") for n in range(hosts)]
    pools["rented/ram"] = 1000
    sites.append(Site("rented", 0, 50370, (), {"ram": ("rented/ram",)}, "rented"))
    groups = [
        Group(f"m{size}", f"m{size}", hosts, {0: (Option(None, draws={"ram": size}),)})
        for size in sizes
    ]
    instance = Instance(tuple(sites), pools, tuple(groups))
    found = [score(instance, s) for s in planned(instance, classes(instance), cpsat, 2.0)]
    assert min(found)[: Level.APART] == (0, 0)
    assert score(instance, first_fit_decreasing(instance))[Level.COST] == 50370


def test_what_was_proven_on_the_way_is_not_proven_again() -> None:
    """The bound of the cost is the one that the plan began with, however little work is left."""
    instance = farm(60, 240)
    least = floor(ClassModel(instance, classes(instance)), cpsat, 4.0)
    assert least is not None
    found = solve(instance, cpsat)
    cost = found.proofs[Level.COST]
    assert cost.bound >= min(cost.value, least.cost)


def test_plans_are_valid_and_cheaper_than_first_fit_decreasing() -> None:
    instance = farm(60, 240)
    found = list(planned(instance, classes(instance), cpsat, 2.0))
    assert found
    for spots in found:
        assert possible(instance, [(s.group, s.site, s.option, s.cards) for s in spots])
    first = score(instance, first_fit_decreasing(instance))
    assert min(score(instance, spots) for spots in found) < first
