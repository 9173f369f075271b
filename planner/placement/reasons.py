"""Why a replica is where it is, and what the next best place was."""

from __future__ import annotations

from collections.abc import Set

from planner.placement.greedy import Books
from planner.placement.instance import Spot
from planner.placement.problem import UNKNOWN_PRICE, Problem
from planner.placement.ways import Way


def reasons(
    problem: Problem, spots: tuple[Spot, ...], stays: Set[Spot] = frozenset()
) -> tuple[tuple[str, str], ...]:
    """For each spot its reason and its runner-up; empty where there was no other place.

    ``stays`` are those of replicas that run there already.
    """
    full = Books(problem.instance, spots)
    used = {spot.site for spot in spots}
    known: dict[tuple[int, int, int, tuple[str, ...], bool], tuple[str, str]] = {}
    found = []
    for spot in spots:
        runs = spot in stays
        key = (spot.group, spot.site, spot.option, spot.cards[:1], runs)
        if key not in known:
            known[key] = _reason(problem, spot, full, used, runs=runs)
        found.append(known[key])
    return tuple(found)


def _reason(
    problem: Problem, spot: Spot, full: Books, used: set[int], *, runs: bool
) -> tuple[str, str]:
    model, site = problem.models[spot.group], problem.instance.sites[spot.site]
    way = problem.way(spot.group, spot.site, spot.option)
    how = _how(way)
    others = _others(problem, spot)
    if model.spec.on:
        spilled = f" (from RAM: {_why_in_ram(problem, spot, full)})" if site.slots else ""
        return f"on: {site.name}, as written{'' if spot.cards else spilled}", ""
    if not others:
        return f"the only host with room for it alone: {site.name}, {how}", ""
    best = min(others, key=lambda item: _rank(problem, item[0], item[1], used))
    other = problem.instance.sites[best[0]]
    if runs:
        return f"{site.name}, {how}: it runs there", f"{other.name}, {_how(best[1])}"
    why = _difference(problem, spot, best, full, used)
    return f"{site.name}, {how}: {why}", f"{other.name}, {_how(best[1])}"


def _why_in_ram(problem: Problem, spot: Spot, full: Books) -> str:
    """Whether a card would hold it beside what lies there."""
    group, site = problem.instance.groups[spot.group], problem.instance.sites[spot.site]
    for number, option in enumerate(group.on(site)):
        way = problem.way(spot.group, spot.site, number)
        if way.count and full.cards(group, spot.site, option) is not None:
            return "its cards stay free for others"
    return "no card has room"


def _others(problem: Problem, spot: Spot) -> list[tuple[int, Way, int]]:
    """Ways on other hosts: site, way and option, one a host and kind of way."""
    group = problem.instance.groups[spot.group]
    return [
        (where, problem.way(spot.group, where, number), number)
        for where, site in enumerate(problem.instance.sites)
        if where != spot.site
        for number in range(len(group.on(site)))
    ]


def _rank(problem: Problem, where: int, way: Way, used: set[int]) -> tuple[int, float, int, int]:
    cost = 0 if where in used else problem.instance.sites[where].cost
    return (cost, -way.speed, -way.headroom, where)


def _difference(
    problem: Problem, spot: Spot, other: tuple[int, Way, int], full: Books, used: set[int]
) -> str:
    """The first thing, in the order of the levels, in which the other place is worse."""
    where, way, option = other
    instance = problem.instance
    group, here = instance.groups[spot.group], instance.sites[spot.site]
    there = instance.sites[where]
    own = problem.way(spot.group, spot.site, spot.option)
    if full.cards(group, where, group.on(there)[option]) is None:
        return f"{there.name} is full"
    if there.cost and where not in used:
        price = "an unknown rent" if there.cost >= UNKNOWN_PRICE else f"{there.cost / 100:,.2f}"
        return f"{there.name} costs {price} a month more"
    if group.misses(there) and not group.misses(here):
        return f"near {problem.models[spot.group].spec.near}"
    if full.beside.get((group.family, where), 0):
        return f"{there.name} has a replica already"
    if own.speed > way.speed:
        return f"{own.speed:.0f} tokens/s instead of {way.speed:.0f}"
    if own.headroom > way.headroom:
        return f"{own.headroom / 10:.0f}% stays free, {way.headroom / 10:.0f}% on {there.name}"
    return f"as good as {there.name}, and written first" if spot.site < where else "best for all"


def _how(way: Way) -> str:
    """``one rtx-4090``, ``2 x rtx-3090``, ``30% of one rtx-4090`` or ``from RAM``."""
    if not way.demand.cards:
        return "from RAM"
    kind = way.demand.cards[0].card.device.device.id
    text = f"one {kind}" if way.count == 1 else f"{way.count} x {kind}"
    return f"{way.model.memory_share:.0%} of {text}" if way.model.memory_share else text
