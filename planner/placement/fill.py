"""Fills cards with replicas that share them: as planned, or one by one to the last MiB.

Minimum bin slack (Gupta and Ho, "A new heuristic algorithm for the one-dimensional bin-packing
problem", 1999), with the sums that can be reached kept as the bits of one number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.placement.greedy import Books
from planner.placement.instance import Instance, Spot

_CLOSE = 100  # a card is full enough when less than a hundredth of it stays empty


def fill(
    books: Books, members: Sequence[int], slot: int, wanted: Mapping[tuple[int, int], int]
) -> list[Spot]:
    """Spots for as much of ``wanted`` (group and option: how many) as goes onto the cards.

    All options share one card of that slot. Models that are not on a host yet are preferred.
    """
    left = {key: count for key, count in wanted.items() if count}
    cards = [(where, n) for n in range(_most_cards(books.instance, members, slot))
             for where in members if n < len(books.instance.sites[where].slots[slot])]  # fmt: skip
    spots: list[Spot] = []
    for done, (where, number) in enumerate(cards):
        for key in _chosen(books, where, slot, number, left, len(cards) - done):
            group = books.instance.groups[key[0]]
            card = books.instance.sites[where].slots[slot][number]
            way = group.on(books.instance.sites[where])[key[1]]
            if not books.fits_on(card, group, where, way):
                continue
            spot = Spot(key[0], where, key[1], (card.key,))
            books.take(spot)
            spots.append(spot)
            left[key] -= 1
            if not left[key]:
                del left[key]
    return spots


def lay(
    books: Books,
    members: Sequence[int],
    slot: int,
    planned: Sequence[tuple[Sequence[tuple[int, int]], int]],
    wanted: Mapping[tuple[int, int], int],
) -> list[Spot]:
    """Spots for as much of ``wanted`` (group and option: how many) as the planned cards hold.

    A card goes to the host where the fewest of its models are already.
    """
    instance, left = books.instance, dict(wanted)
    free = {
        where: [c for c in instance.sites[where].slots[slot] if books.empty(c)] for where in members
    }
    every = [keys for keys, count in planned for _ in range(count)]
    every.sort(key=lambda keys: (-len(keys), keys))
    spots: list[Spot] = []
    for keys in every:
        chosen = [key for key in keys if left.get(key)]
        hosts = [where for where in members if free[where]]
        if not chosen or not hosts:
            continue
        families = [instance.groups[group].family for group, _ in chosen]
        where = min(
            hosts, key=lambda host: (sum(books.beside.get((f, host), 0) for f in families), host)
        )
        card = free[where].pop(0)
        for group, option in chosen:
            wish = instance.groups[group]
            if books.fits_on(card, wish, where, wish.on(instance.sites[where])[option]):
                spot = Spot(group, where, option, (card.key,))
                books.take(spot)
                spots.append(spot)
                left[group, option] -= 1
    return spots


def lay_in_ram(
    books: Books,
    members: Sequence[int],
    planned: Sequence[tuple[Sequence[tuple[int, int]], int]],
    wanted: Mapping[tuple[int, int], int],
) -> list[Spot]:
    """Spots for as much of ``wanted`` as the planned hosts hold in RAM, a plan a host."""
    left = dict(wanted)
    every = [keys for keys, count in planned for _ in range(count)]
    spots: list[Spot] = []
    every.sort(key=lambda keys: (-len(keys), keys))
    for where, keys in zip(members, every, strict=False):  # never more plans than hosts
        for group, option in keys:
            wish = books.instance.groups[group]
            way = wish.on(books.instance.sites[where])[option]
            if left.get((group, option)) and books.cards(wish, where, way) is not None:
                spot = Spot(group, where, option)
                books.take(spot)
                spots.append(spot)
                left[group, option] -= 1
    return spots


def _most_cards(instance: Instance, members: Sequence[int], slot: int) -> int:
    return max((len(instance.sites[where].slots[slot]) for where in members), default=0)


def _chosen(
    books: Books,
    where: int,
    slot: int,
    number: int,
    left: Mapping[tuple[int, int], int],
    cards_left: int,
) -> list[tuple[int, int]]:
    """What goes onto one card: what every card left must take, and the best set of the rest."""
    site = books.instance.sites[where]
    card, groups = site.slots[slot][number], books.instance.groups
    sizes: dict[tuple[int, int], int] = {}
    for key in left:
        way = groups[key[0]].on(site)[key[1]]
        if books.fits_on(card, groups[key[0]], where, way):
            sizes[key] = way.memory
    room = books.room_of(card)
    first: list[tuple[int, int]] = []
    for key in sorted(sizes, key=lambda key: (-sizes[key], key)):
        if left[key] >= cards_left and sizes[key] <= room:
            first.append(key)
            room -= sizes[key]
    rest = [key for key in sizes if key not in first]
    new = [key for key in rest if not books.beside.get((groups[key[0]].family, where))]
    chosen = _fullest(new, sizes, room)
    if room - sum(sizes[key] for key in chosen) > room // _CLOSE:
        chosen = _fullest(rest, sizes, room)
    return first + chosen


def _fullest(
    keys: Sequence[tuple[int, int]], sizes: Mapping[tuple[int, int], int], room: int
) -> list[tuple[int, int]]:
    """The set with the largest sum up to ``room``, of large sizes where there is a choice."""
    order = sorted(keys, key=lambda key: (-sizes[key], key))
    mask = (1 << (room + 1)) - 1
    sums = [1]
    for key in order:
        sums.append((sums[-1] | sums[-1] << sizes[key]) & mask)
    reached = sums[-1].bit_length() - 1
    chosen = []
    for place in range(len(order) - 1, -1, -1):
        if not sums[place] >> reached & 1:
            chosen.append(order[place])
            reached -= sizes[order[place]]
    return chosen
