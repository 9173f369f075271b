"""Every assignment of a small problem, tried one by one. Shares no code with the placer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from planner.placement.instance import Group, Instance, Option, Site

Seat = tuple[int, int, int, tuple[str, ...]]  # group, site, option, cards


def optimum(instance: Instance) -> tuple[int, ...]:
    """The least score of all assignments that over-commit nothing."""
    return min(value(instance, seats) for seats in assignments(instance))


def assignments(instance: Instance) -> Iterator[list[Seat]]:
    """Every possible assignment; equal replicas are not told apart."""
    replicas = [g for g, group in enumerate(instance.groups) for _ in range(group.count)]
    yield from _rest(instance, replicas, [], {})


def _rest(
    instance: Instance, replicas: list[int], seats: list[Seat], last: dict[int, int]
) -> Iterator[list[Seat]]:
    if not replicas:
        yield seats
        return
    place, rest = replicas[0], replicas[1:]
    ways = list(_ways(instance, place))
    for number in range(last.get(place, 0), len(ways)):
        taken = [*seats, ways[number]]
        if possible(instance, taken):
            yield from _rest(instance, rest, taken, {**last, place: number})
    # left out, and with it the others of its group: they are equal
    yield from _rest(instance, [r for r in rest if r != place], seats, last)


def _ways(instance: Instance, place: int) -> Iterator[Seat]:
    group = instance.groups[place]
    for where, site in enumerate(instance.sites):
        if group.sites is not None and site.name not in group.sites:
            continue
        for number, option in enumerate(group.options.get(site.kind, ())):
            if option.slot is None:
                yield place, where, number, ()
            else:
                keys = [card.key for card in site.slots[option.slot]]
                for chosen in combinations(keys, option.count):
                    yield place, where, number, chosen


def _of(instance: Instance, seat: Seat) -> tuple[Group, Site, Option]:
    group, site = instance.groups[seat[0]], instance.sites[seat[1]]
    return group, site, group.options[site.kind][seat[2]]


def possible(instance: Instance, seats: list[Seat]) -> bool:
    """Whether nothing is over-committed, shared that must not be, doubled, or too dear."""
    if instance.budget is not None:
        bill = {seat[1]: instance.sites[seat[1]].charged for seat in seats}
        if sum(bill.values()) > instance.budget:
            return False
    pools: Counter[str] = Counter()
    memory: Counter[str] = Counter()
    users: dict[str, list[tuple[str, bool]]] = {}
    ports: Counter[tuple[int, int]] = Counter()
    files: set[tuple[int, str]] = set()
    cards = {c.key: c for site in instance.sites for slot in site.slots for c in slot}
    for seat in seats:
        group, site, option = _of(instance, seat)
        for role, amount in option.draws.items():
            for pool in site.pools.get(role, ()):
                pools[pool] += amount
        for key, amount in option.stored:
            if key not in site.stored and (seat[1], key) not in files:
                files.add((seat[1], key))
                for pool in site.pools.get("disk", ()):
                    pools[pool] += amount
        if option.port is not None:
            ports[seat[1], option.port] += 1
            if option.port in site.ports:
                return False
        for key in seat[3]:
            memory[key] += option.memory
            users.setdefault(key, []).append((group.family, option.whole))
    if any(count > instance.pools[pool] for pool, count in pools.items()):
        return False
    if any(count > 1 for count in ports.values()):
        return False
    for key, guests in users.items():
        card, names = cards[key], [name for name, _ in guests]
        if memory[key] > card.room or len(set(names)) < len(names):
            return False
        if card.families & set(names):
            return False
        if any(whole for _, whole in guests) and (len(guests) > 1 or card.busy):
            return False
    return True


def value(instance: Instance, seats: list[Seat]) -> tuple[int, ...]:
    """The score, level by level, counted anew."""
    wanted = sum(group.count for group in instance.groups)
    used = {seat[1] for seat in seats}
    beside: Counter[tuple[str, int]] = Counter()
    there: Counter[tuple[int, str]] = Counter()
    guests: Counter[str] = Counter()
    for site in instance.sites:
        for slot in site.slots:
            for card in slot:
                guests[card.key] = int(card.busy)
    away = slow = tight = order = 0
    for seat in seats:
        group, site, option = _of(instance, seat)
        beside[group.family, seat[1]] += 1
        there[seat[0], site.name] += 1
        away += group.near is not None and site.machine not in group.near
        slow += max(o.speed for way in group.options.values() for o in way) - option.speed
        tight += 1000 - option.headroom
        order += seat[0] * len(instance.sites) + seat[1]
        guests.update(seat[3])
    return (
        wanted - len(seats),
        sum(instance.sites[where].cost for where in used),
        away + sum(n - (f not in instance.sites[w].families) for (f, w), n in beside.items()),
        slow,
        tight + 1000 * sum(count - 1 for count in guests.values() if count > 1),
        sum(
            max(0, count - there[place, name])
            for place, group in enumerate(instance.groups)
            for name, count in group.running.items()
        ),
        order,
    )
