"""Turns counts per class of equal hosts into replicas on hosts and cards.

Within a class the largest go first: several cards at once, then whole cards, then what shares.
What does not go in, because a pool is not a host, is placed wherever it adds least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby

from planner.placement.classes import IN_RAM, SiteClass
from planner.placement.fill import fill, lay, lay_in_ram
from planner.placement.greedy import Books, best
from planner.placement.instance import Instance, Option, Spot

Counts = Mapping[int, Sequence[tuple[int, int, int]]]
# class and slot: what one card holds as (group, option), and how many cards do
Fillings = Sequence[tuple[Sequence[tuple[int, int]], int]]
Cards = Mapping[tuple[int, int], Fillings]


class Packing(StrEnum):
    """How replicas that share cards are put onto the cards of a class."""

    FULLEST = "fullest"  # each where it leaves least
    EMPTIEST = "emptiest"  # each where it leaves most: all cards fill up alike
    FILLED = "filled"  # card after card, each as full as can be


def unfold(
    instance: Instance,
    of: tuple[SiteClass, ...],
    counts: Counts,
    used: Sequence[int],
    packing: Packing,
    cards: Cards | None = None,
) -> tuple[Spot, ...]:
    """Spots for the counts (class: group, option, how many); ``used`` hosts of each class.

    Which packing is best depends on the sizes, so each is worth a try. Where ``cards`` say what
    they hold, that is what goes onto them.
    """
    books = Books(instance)
    spots: list[Spot] = []
    for place, one in enumerate(of):
        members = one.members[: used[place]]
        items = sorted(counts.get(place, ()), key=lambda item: _hardest(instance, one, item))
        for slot, alike in _kinds(instance, one, items):
            wanted = {(g, o): n for g, o, n in alike}
            if slot == IN_RAM and cards is not None and (place, slot) in cards:
                spots += lay_in_ram(books, members, cards[place, slot], wanted)
                continue
            if slot is not None and cards is not None and (place, slot) in cards:
                spots += lay(books, members, slot, cards[place, slot], wanted)
                continue
            if packing is Packing.FILLED and slot is not None and slot != IN_RAM:
                spots += fill(books, members, slot, wanted)
                continue
            for item in alike:
                spots += _pack(books, members, item, packing is Packing.EMPTIEST)
    have = [0] * len(instance.groups)
    for spot in spots:
        have[spot.group] += 1
    left = [n for n, group in enumerate(instance.groups) for _ in range(group.count - have[n])]
    full: set[int] = set()
    for number in left:
        found = None if number in full else best(books, number)
        if found is None:
            full.add(number)
        else:
            books.take(found)
            spots.append(found)
    return tuple(spots)


def _kinds(
    instance: Instance, one: SiteClass, items: list[tuple[int, int, int]]
) -> Iterator[tuple[int | None, list[tuple[int, int, int]]]]:
    """The items in runs: those that share one card of a slot together, all else in between."""
    for slot, run in groupby(items, key=lambda item: _slot(instance, one, item)):
        yield slot, list(run)


def _option(instance: Instance, one: SiteClass, item: tuple[int, int, int]) -> Option:
    return instance.groups[item[0]].on(one.site)[item[1]]


def _slot(instance: Instance, one: SiteClass, item: tuple[int, int, int]) -> int | None:
    option = _option(instance, one, item)
    if option.slot is None:
        return IN_RAM
    return option.slot if option.count == 1 and not option.whole else None


def _hardest(
    instance: Instance, one: SiteClass, item: tuple[int, int, int]
) -> tuple[int, bool, int, int, int]:
    option = _option(instance, one, item)
    slot = -1 if option.slot is None else option.slot
    return (-option.count, not option.whole, slot, -option.memory, -option.draws.get("ram", 0))


def _pack(
    books: Books, members: Sequence[int], item: tuple[int, int, int], emptiest: bool
) -> list[Spot]:
    """As many of an item's count as go in: hosts without the model first."""
    group, option, count = item
    packed: list[Spot] = []
    closed: set[int] = set()
    wanted = books.instance.groups[group]
    for _ in range(count):
        least, found = None, None
        for where in members:
            if where in closed:
                continue
            way = wanted.on(books.instance.sites[where])[option]
            cards = books.cards(wanted, where, way, emptiest=emptiest)
            if cards is None:
                closed.add(where)  # it only fills up
                continue
            rank = (
                books.beside.get((wanted.family, where), 0),
                books.left(where, way, cards) * (-1 if emptiest else 1),
                where,
            )
            if least is None or rank < least:
                least, found = rank, Spot(group, where, option, cards)
        if found is None:
            break
        books.take(found)
        packed.append(found)
    return packed
