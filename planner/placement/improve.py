"""Makes a large assignment better part by part: a few hosts at a time are solved exactly anew.

Rented hosts that hold little come first, beside hosts that have room: what they hold may fit
there in another arrangement, and the rent is saved. Which hosts are taken together depends on the
assignment alone, so the same input gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from planner.placement.instance import Group, Instance, Level, Spot, score
from planner.placement.lexicographic import Solver, solve_exactly

_LEVELS: Final = (Level.UNPLACED, Level.COST, Level.APART, Level.SPEED, Level.HEADROOM)
_PART: Final = 1500  # variables of one part
_HOSTS: Final = 12  # hosts of a part that may be emptied; twice as many may take what they held


def improved(
    instance: Instance, spots: tuple[Spot, ...], solver: Solver, rounds: int, work: float
) -> tuple[Spot, ...]:
    """The assignment after ``rounds`` of parts solved anew, each kept only if all is better."""
    best, value = spots, score(instance, spots)
    for turn in range(rounds):
        part = _part(instance, best, turn)
        if len(part) < 2:
            return best
        new = _solved(instance, best, part, solver, work)
        if (reached := score(instance, new)) < value:
            best, value = new, reached
    return best


def _part(instance: Instance, spots: Sequence[Spot], turn: int) -> tuple[int, ...]:
    """Hosts to solve together: those to empty, one after the other with those with room."""
    here: dict[int, list[Spot]] = {}
    for spot in spots:
        here.setdefault(spot.site, []).append(spot)
    paid = [s for s in here if instance.sites[s].cost]
    paid.sort(key=lambda s: (len(here[s]), -instance.sites[s].cost, s))
    givers = paid[: _HOSTS // 2 + 2 * turn]
    takers = [s for s in range(len(instance.sites)) if s in here or not instance.sites[s].cost]
    rooms = {s: _room(instance, here.get(s, ()), s) for s in takers if s not in givers}
    chosen: list[int] = []
    size = 0
    for site in _mixed(_turned(givers, turn, 3), _by_kind(instance, rooms, turn)):
        size += _variables(instance, here, site)
        if size > _PART and len(chosen) > 1:
            break
        chosen.append(site)
    return tuple(sorted(dict.fromkeys(chosen)))


def _turned(sites: list[int], turn: int, step: int) -> list[int]:
    start = turn * step % len(sites) if sites else 0
    return sites[start:] + sites[:start]


def _by_kind(instance: Instance, rooms: Mapping[int, int], turn: int) -> list[int]:
    """Hosts with the most room first, one of each kind after the other."""
    kinds: dict[int, list[int]] = {}
    for site in sorted(rooms, key=lambda s: (-rooms[s], s)):
        kinds.setdefault(instance.sites[site].kind, []).append(site)
    rows = [_turned(sites, turn, 2) for sites in kinds.values()]
    return [site for level in zip_longest(*rows) for site in level if site is not None]


def _mixed(first: list[int], second: list[int]) -> Iterator[int]:
    """One of the first, two of the second, and so on."""
    one, two = iter(first[:_HOSTS]), iter(second[: 2 * _HOSTS])
    while True:
        taken = [next(one, None), next(two, None), next(two, None)]
        if all(item is None for item in taken):
            return
        yield from (item for item in taken if item is not None)


def _room(instance: Instance, here: Iterable[Spot], where: int) -> int:
    """Memory of the cards that nobody has, in MiB; of the RAM where there are no cards."""
    site = instance.sites[where]
    room = sum(card.room for slot in site.slots for card in slot)
    pools = site.pools.get("ram", ())
    if not site.slots:
        room = min((instance.pools[pool] for pool in pools), default=0)
    for spot in here:
        option = instance.groups[spot.group].on(site)[spot.option]
        room -= option.memory * len(spot.cards) if site.slots else option.draws.get("ram", 0)
    return room


def _variables(instance: Instance, here: Mapping[int, list[Spot]], where: int) -> int:
    """About how many variables a host adds to a part."""
    cards = sum(len(slot) for slot in instance.sites[where].slots)
    return max(1, cards) * max(8, len({spot.group for spot in here.get(where, ())}))


def _solved(
    instance: Instance, spots: tuple[Spot, ...], part: tuple[int, ...], solver: Solver, work: float
) -> tuple[Spot, ...]:
    """All spots, with those on the part's hosts (and what has no place) solved anew."""
    inside = set(part)
    placed = [0] * len(instance.groups)
    here = [0] * len(instance.groups)
    for spot in spots:
        placed[spot.group] += 1
        here[spot.group] += spot.site in inside
    counts = [
        count + group.count - placed[number]
        for number, (count, group) in enumerate(zip(here, instance.groups, strict=True))
    ]
    numbers = [number for number, count in enumerate(counts) if count]
    sites = tuple(instance.sites[where] for where in part)
    groups = tuple(_of(instance.groups[n], counts[n]) for n in numbers)
    at, back = {w: i for i, w in enumerate(part)}, {n: i for i, n in enumerate(numbers)}
    smaller = Instance(sites, _pools(instance, spots, inside), groups)
    start = tuple(
        replace(spot, group=back[spot.group], site=at[spot.site])
        for spot in spots
        if spot.site in inside
    )
    found = solve_exactly(smaller, start, solver, work, _LEVELS).spots
    kept = tuple(spot for spot in spots if spot.site not in inside)
    return kept + tuple(replace(s, group=numbers[s.group], site=part[s.site]) for s in found)


def _of(group: Group, count: int) -> Group:
    return replace(group, count=count, running={})


def _pools(instance: Instance, spots: Iterable[Spot], inside: set[int]) -> dict[str, int]:
    """What the pools have left after everything outside the part."""
    pools = dict(instance.pools)
    for spot in spots:
        if spot.site in inside:
            continue
        site = instance.sites[spot.site]
        for role, amount in instance.groups[spot.group].on(site)[spot.option].draws.items():
            for pool in site.pools.get(role, ()):
                pools[pool] -= amount
    return pools
