"""Placing one replica after the other: first-fit decreasing, and best choice first.

Neither proves anything. They give the solver a start, an answer that is always there, and often,
when every replica gets the best it could have, the proof for free (``ideal``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from planner.placement.instance import (
    SHARING,
    CardState,
    Group,
    Instance,
    Option,
    Spot,
    best_speed,
)

Rank = tuple[int, int, int, int, int]


class Books:
    """What is taken of an instance so far."""

    def __init__(self, instance: Instance, spots: Iterable[Spot] = ()) -> None:
        self.instance = instance
        self._pools = dict(instance.pools)
        self._rooms: dict[str, int] = {}
        self._guests: dict[str, int] = {}  # residents of a card, whoever
        self._families: dict[str, set[str]] = {}
        self._closed: set[str] = set()
        self._ports: set[tuple[int, int]] = set()
        self._files: set[tuple[int, str]] = set()
        self.beside: dict[tuple[str, int], int] = {}
        self.in_use: set[int] = set()
        for where, site in enumerate(instance.sites):
            self._ports.update((where, port) for port in site.ports)
            self._files.update((where, key) for key in site.stored)
            self.beside.update({(family, where): 1 for family in site.families})
            for card in (card for slot in site.slots for card in slot):
                self._rooms[card.key] = card.room
                self._guests[card.key] = int(card.busy)
                self._families[card.key] = set(card.families)
        for spot in spots:
            self.take(spot)

    def cards(
        self, group: Group, where: int, option: Option, *, emptiest: bool = False
    ) -> tuple[str, ...] | None:
        """Cards for one replica there, the fullest that still have room first (or the emptiest).

        None without room.
        """
        if not self._has(where, option):
            return None
        if option.slot is None:
            return ()
        slot = self.instance.sites[where].slots[option.slot]
        fit = [card for card in slot if self._open(card, group, option)]
        if len(fit) < option.count:
            return None
        if not option.whole:
            fit.sort(key=lambda card: self._rooms[card.key], reverse=emptiest)
        return tuple(card.key for card in fit[: option.count])

    def those(
        self, group: Group, where: int, option: Option, keys: Iterable[str]
    ) -> tuple[str, ...] | None:
        """The cards of those keys, when one replica can have exactly them."""
        wanted = tuple(keys)
        if not self._has(where, option):
            return None
        if option.slot is None:
            return () if not wanted else None
        slot = self.instance.sites[where].slots[option.slot]
        fit = [c.key for c in slot if c.key in wanted and self._open(c, group, option)]
        return tuple(fit) if len(fit) == len(wanted) == option.count else None

    def fits_on(self, card: CardState, group: Group, where: int, option: Option) -> bool:
        """Whether one replica may share that card now."""
        return self._has(where, option) and self._open(card, group, option)

    def empty(self, card: CardState) -> bool:
        """Whether nobody is on that card."""
        return card.key not in self._closed and not self._guests[card.key]

    def room_of(self, card: CardState) -> int:
        """Memory of a card that nobody has taken; 0 when it is taken whole."""
        return 0 if card.key in self._closed else self._rooms[card.key]

    def sharers(self, cards: Iterable[str]) -> int:
        """How many of the cards somebody is on already."""
        return sum(self._guests[key] > 0 for key in cards)

    def left(self, where: int, option: Option, cards: Iterable[str]) -> int:
        """Room that stays on the cards chosen, or in RAM, after one more replica."""
        rooms = [self._rooms[key] - option.memory for key in cards]
        pools = self.instance.sites[where].pools.get("ram", ())
        return min(
            rooms or [self._pools[pool] - option.draws.get("ram", 0) for pool in pools] or [0]
        )

    def take(self, spot: Spot) -> None:
        """Enter a replica."""
        group, site = self.instance.groups[spot.group], self.instance.sites[spot.site]
        option = group.on(site)[spot.option]
        for role, amount in option.draws.items():
            for pool in site.pools.get(role, ()):
                self._pools[pool] -= amount
        for pool in site.pools.get("disk", ()):
            self._pools[pool] -= self._new(spot.site, option)
        self._files.update((spot.site, key) for key, _ in option.stored)
        if option.port is not None:
            self._ports.add((spot.site, option.port))
        for key in spot.cards:
            self._rooms[key] -= option.memory
            self._guests[key] += 1
            self._families[key].add(group.family)
            if option.whole:
                self._closed.add(key)
        place = (group.family, spot.site)
        self.beside[place] = self.beside.get(place, 0) + 1
        self.in_use.add(spot.site)

    def _has(self, where: int, option: Option) -> bool:
        site = self.instance.sites[where]
        if option.port is not None and (where, option.port) in self._ports:
            return False
        for role, amount in option.draws.items():
            if any(self._pools[pool] < amount for pool in site.pools.get(role, ())):
                return False
        new = self._new(where, option)
        return not new or all(self._pools[pool] >= new for pool in site.pools.get("disk", ()))

    def _new(self, where: int, option: Option) -> int:
        return sum(size for key, size in option.stored if (where, key) not in self._files)

    def _open(self, card: CardState, group: Group, option: Option) -> bool:
        key = card.key
        if key in self._closed or self._rooms[key] < option.memory:
            return False
        if option.whole:
            return self._guests[key] == 0
        return group.family not in self._families[key]


def first_fit_decreasing(instance: Instance) -> tuple[Spot, ...]:
    """The largest replicas first, each on the first host with room."""
    books, spots = Books(instance), []
    order = sorted(range(len(instance.groups)), key=lambda g: _size(instance.groups[g]))
    for place in order:
        start = 0
        for _ in range(instance.groups[place].count):
            found = _first(books, place, start)
            if found is None:
                break
            books.take(found)
            spots.append(found)
            start = found.site  # the books only fill up: what had no room has none now
    return tuple(spots)


def _size(group: Group) -> tuple[int, int]:
    every = [option for options in group.options.values() for option in options]
    cards = max((option.count * option.memory for option in every), default=0)
    return (-cards, -max((option.draws.get("ram", 0) for option in every), default=0))


def _first(books: Books, place: int, start: int) -> Spot | None:
    group, sites = books.instance.groups[place], books.instance.sites
    for where in range(start, len(sites)):
        for number, option in enumerate(group.on(sites[where])):
            cards = books.cards(group, where, option)
            if cards is not None:
                return Spot(place, where, number, cards)
    return None


def best_choice(
    instance: Instance, order: Sequence[int] | None = None, spots: Sequence[Spot] = ()
) -> tuple[Spot, ...]:
    """Each replica where it adds least to the levels, those with the fewest choices first.

    ``order`` are group numbers, ``spots`` what is placed already and stays.
    """
    books, found = Books(instance, spots), list(spots)
    placed: dict[int, int] = {}
    for spot in spots:
        placed[spot.group] = placed.get(spot.group, 0) + 1
    for place in order if order is not None else _hardest(instance):
        for _ in range(instance.groups[place].count - placed.get(place, 0)):
            chosen = best(books, place)
            if chosen is None:
                break
            books.take(chosen)
            found.append(chosen)
    return tuple(found)


def _hardest(instance: Instance) -> list[int]:
    def key(place: int) -> tuple[int, int, int]:
        group = instance.groups[place]
        sites = sum(bool(group.on(site)) for site in instance.sites)
        return (sites, *_size(group))

    return sorted(range(len(instance.groups)), key=key)


def best(books: Books, place: int) -> Spot | None:
    """The place that adds least for one more replica of a group."""
    group, found, least = books.instance.groups[place], None, None
    top = best_speed(group)
    for where, site in enumerate(books.instance.sites):
        for number, option in enumerate(group.on(site)):
            rank = _rank(books, group, where, option, top)
            if least is not None and rank >= least:
                continue
            cards = books.cards(group, where, option)
            if cards is None:
                continue
            rank = (*rank[:3], rank[3] + SHARING * books.sharers(cards), where)
            if least is None or rank < least:
                found, least = Spot(place, where, number, cards), rank
    return found


def _rank(books: Books, group: Group, where: int, option: Option, top: int) -> Rank:
    site = books.instance.sites[where]
    apart = int(books.beside.get((group.family, where), 0) > 0) + int(group.misses(site))
    cost = 0 if where in books.in_use else site.cost
    return (cost, apart, top - option.speed, 1000 - option.headroom, where)


def ideal(instance: Instance) -> tuple[int, ...]:
    """For each level but the last a value that no assignment can beat: everybody alone.

    COST is that of what has no choice of host; APART what pins force together.
    """
    cost = {s.name: s.cost for s in instance.sites}
    needed: set[str] = set()
    speed = headroom = misses = 0
    crowded: dict[str, int] = {}
    for group in instance.groups:
        sites = [site for site in instance.sites if group.on(site)]
        if not sites:
            continue
        if len(sites) == 1:
            needed.add(sites[0].name)
        ways = [(site, option) for site in sites for option in group.on(site)]
        top = best_speed(group)
        # level after level: the best of one level among all, not only among the best of the last
        misses += group.count * min(int(group.misses(site)) for site in sites)
        speed += group.count * min(top - option.speed for _, option in ways)
        headroom += group.count * min(1000 - option.headroom for _, option in ways)
        crowded[group.family] = crowded.get(group.family, 0) + group.count
    for family, count in crowded.items():
        hosts = {
            site.name
            for group in instance.groups
            if group.family == family
            for site in instance.sites
            if group.on(site)
        }
        misses += max(0, count - len(hosts))
    return (0, sum(cost[name] for name in needed), misses, speed, headroom, 0)
