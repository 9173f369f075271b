"""The whole problem as one linear model: every host and every card by itself.

Exact: an assignment is possible if and only if the model has it. Replicas of a group are one
number, so that equal replicas cost nothing; hosts are not joined (``classes`` does that for farms
too large for this).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from math import comb

from planner.placement.instance import (
    SHARING,
    CardState,
    Group,
    Instance,
    Level,
    Option,
    Site,
    Spot,
    best_speed,
    position,
)
from planner.placement.linear import LinearModel

MOST_CHOICES = 70  # 8 cards taken 4 at a time; beyond that only neighbours are tried together


class ExactModel:
    """Variables, rows and levels for an instance; reads a solution back as spots."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.linear = LinearModel()
        self.levels: dict[Level, list[tuple[int, int]]] = {level: [] for level in Level}
        self._counted: list[tuple[int, int, int, int]] = []  # variable, group, site, option
        self._carded: list[tuple[int, int, int, int, tuple[str, ...]]] = []
        self._keys = _shared_keys(instance)
        self._of_pool: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._of_port: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._of_file: dict[tuple[int, str], list[int]] = defaultdict(list)
        self._file_bytes: dict[tuple[int, str], int] = {}
        self._of_family: dict[tuple[str, int], list[int]] = defaultdict(list)
        self._of_site: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._on_card: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        self._whole: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        self._whole_card: dict[str, list[int]] = defaultdict(list)
        self._used = {
            place: self.linear.variable(0, 1)
            for place, site in enumerate(instance.sites)
            if site.cost > 0 or (site.charged > 0 and instance.budget is not None)
        }
        for place, group in enumerate(instance.groups):
            self._group(place, group)
        self._rows()

    def _group(self, place: int, group: Group) -> None:
        every: list[tuple[int, int]] = []
        best = best_speed(group)
        for where, site in enumerate(self.instance.sites):
            here: list[tuple[int, int]] = []
            for number, option in enumerate(group.on(site)):
                if option.port is not None and option.port in site.ports:
                    continue
                for variable in self._option(place, where, number, group, site, option):
                    here.append((variable, 1))
                    self._weigh(variable, group, where, option, best)
                    order = position(self.instance, place, where)
                    self.levels[Level.ORDER].append((variable, order))
            running = group.running.get(site.name, 0)
            if running:
                kept = self.linear.variable(0, running)
                self.linear.row([(kept, 1), *((v, -1) for v, _ in here)], high=0)
                self.levels[Level.MOVED].append((kept, -1))
            if group.misses(site):
                self.levels[Level.APART] += here
            every += here
        self.linear.row(every, high=group.count)
        self.levels[Level.UNPLACED] += [(variable, -1) for variable, _ in every]

    def _option(
        self, place: int, where: int, number: int, group: Group, site: Site, option: Option
    ) -> Iterator[int]:
        """One variable for a counted option, one a choice of cards for the others."""
        if option.slot is None:
            variable = self.linear.variable(0, 1 if option.port else group.count)
            self._counted.append((variable, place, where, number))
            yield variable
            return
        cards = tuple(
            card
            for card in site.slots[option.slot]
            if card.room >= option.memory
            and not (option.whole and card.busy)
            and group.family not in card.families
        )
        if option.whole and not any(card.key in self._keys for card in site.slots[option.slot]):
            most = min(group.count, len(cards) // option.count)
            if most:
                variable = self.linear.variable(0, most)
                self._counted.append((variable, place, where, number))
                self._whole[where, option.slot].append((variable, option.count))
                yield variable
            return
        for chosen in choices(cards, option.count):
            variable = self.linear.variable(0, 1)
            keys = tuple(card.key for card in chosen)
            self._carded.append((variable, place, where, number, keys))
            for key in keys:
                if option.whole:
                    self._whole_card[key].append(variable)
                else:
                    self._on_card[key].append((variable, option.memory, group.family))
            yield variable

    def _weigh(self, variable: int, group: Group, where: int, option: Option, best: int) -> None:
        site = self.instance.sites[where]
        self._of_site[where].append((variable, group.count))
        self._of_family[group.family, where].append(variable)
        for role, amount in option.draws.items():
            for pool in site.pools.get(role, ()):
                self._of_pool[pool].append((variable, amount))
        for key, amount in option.stored:
            if key not in site.stored:
                self._of_file[where, key].append(variable)
                self._file_bytes[where, key] = max(self._file_bytes.get((where, key), 0), amount)
        if option.port is not None:
            self._of_port[where, option.port].append(variable)
        self.levels[Level.SPEED].append((variable, best - option.speed))
        self.levels[Level.HEADROOM].append((variable, 1000 - option.headroom))

    def _rows(self) -> None:
        self._costs()
        self._cards()
        self._files()
        for pool, terms in self._of_pool.items():
            self.linear.row(terms, high=self.instance.pools[pool])
        for variables in self._of_port.values():
            self.linear.row([(variable, 1) for variable in variables], high=1)
        most = _family_counts(self.instance.groups)
        for (family, where), variables in self._of_family.items():
            there = family in self.instance.sites[where].families
            if most[family] > 1 or there:
                beside = self.linear.variable(0, most[family])
                terms = [(beside, -1), *((variable, 1) for variable in variables)]
                self.linear.row(terms, high=0 if there else 1)
                self.levels[Level.APART].append((beside, 1))

    def _costs(self) -> None:
        for where, used in self._used.items():
            site = self.instance.sites[where]
            self.levels[Level.COST].append((used, site.cost))
            for variable, most in self._of_site[where]:
                most = min(most, self.linear.high[variable])
                self.linear.row([(variable, 1), (used, -most)], high=0)
        if self.instance.budget is not None:
            charges = [(u, self.instance.sites[w].charged) for w, u in self._used.items()]
            self.linear.row([term for term in charges if term[1]], high=self.instance.budget)

    def _cards(self) -> None:
        """Memory of each card, families apart, and whole cards only where nothing shares."""
        for where, site in enumerate(self.instance.sites):
            for slot, cards in enumerate(site.slots):
                shared = [used for card in cards for used in self._card(card, where)]
                wholes = self._whole.get((where, slot), [])
                free = sum(not card.busy for card in cards)
                self.linear.row([*wholes, *((used, 1) for used in shared)], high=free)
                if where in self._used and not any(card.key in self._keys for card in cards):
                    rest = (self._used[where], -free)
                    self.linear.row([*wholes, *((used, 1) for used in shared), rest], high=0)

    def _card(self, card: CardState, where: int) -> Iterator[int]:
        """The rows of one card, once; yields whether something shares it, for a free card."""
        on_it, wholes = self._on_card.pop(card.key, []), self._whole_card.pop(card.key, [])
        if not on_it and not wholes:
            return
        self.linear.row([(variable, memory) for variable, memory, _ in on_it], high=card.room)
        families: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for variable, _, family in on_it:
            families[family].append((variable, 1))
        for terms in families.values():
            self.linear.row(terms, high=1)
        free = 0 if card.busy else 1
        sharers = self.linear.variable(0, len(on_it))
        self.linear.row([(sharers, -1), *((v, 1) for v, _, _ in on_it)], high=free)
        self.levels[Level.HEADROOM].append((sharers, SHARING))
        if card.busy:
            return
        used = self.linear.variable(0, 1)
        for variable, _, _ in on_it:
            self.linear.row([(variable, 1), (used, -1)], high=0)
        self.linear.row([(used, 1), *((variable, 1) for variable in wholes)], high=1)
        yield used

    def _files(self) -> None:
        """Files on disk are there once for all replicas; only where a disk could be too small."""
        terms: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (where, key), variables in self._of_file.items():
            for pool in self.instance.sites[where].pools.get("disk", ()):
                there = self._file_bytes[where, key]
                terms[pool].append((self._there(variables), there))
        for pool, each in terms.items():
            self.linear.row(each, high=self.instance.pools[pool])

    def _there(self, variables: Iterable[int]) -> int:
        there = self.linear.variable(0, 1)
        for variable in variables:
            self.linear.row([(variable, 1), (there, -self.linear.high[variable])], high=0)
        return there

    def spots(self, values: tuple[int, ...]) -> tuple[Spot, ...]:
        """The replicas of a solution, cards named; counted ones get the free cards in order."""
        found: list[Spot] = []
        taken: set[str] = set()
        for variable, group, site, option, keys in self._carded:
            if values[variable]:
                taken.update(keys)
                found.append(Spot(group, site, option, keys))
        for variable, group, site, option in self._counted:
            for _ in range(values[variable]):
                chosen = self._free_cards(group, site, option, taken)
                taken.update(chosen)
                found.append(Spot(group, site, option, chosen))
        return tuple(sorted(found, key=lambda spot: (spot.group, spot.site, spot.option)))

    def _free_cards(self, group: int, site: int, option: int, taken: set[str]) -> tuple[str, ...]:
        place = self.instance.sites[site]
        how = self.instance.groups[group].on(place)[option]
        if how.slot is None:
            return ()
        free = [c.key for c in place.slots[how.slot] if not c.busy and c.key not in taken]
        return tuple(free[: how.count])

    def hint(self, spots: Iterable[Spot]) -> list[int]:
        """Values of the variables for an assignment: a start for the solver, not all of them."""
        values = [0] * len(self.linear.low)
        counted: dict[tuple[int, int, int], int] = defaultdict(int)
        carded = set()
        sites = set()
        for spot in spots:
            counted[spot.group, spot.site, spot.option] += 1
            carded.add((spot.group, spot.site, spot.option, spot.cards))
            sites.add(spot.site)
        for variable, *key in self._counted:
            values[variable] = counted.get((key[0], key[1], key[2]), 0)
        for variable, group, site, option, keys in self._carded:
            values[variable] = int((group, site, option, keys) in carded)
        for where, used in self._used.items():
            values[used] = int(where in sites)
        return values


def choices(cards: tuple[CardState, ...], count: int) -> Iterator[tuple[CardState, ...]]:
    """Every choice of ``count`` cards; neighbours only where there are more than 70 choices."""
    if comb(len(cards), count) <= MOST_CHOICES:
        yield from combinations(cards, count)
        return
    for start in range(len(cards) - count + 1):
        yield cards[start : start + count]


def _shared_keys(instance: Instance) -> frozenset[str]:
    """Cards that two hosts list: one, and a VM it is given to."""
    seen: set[str] = set()
    twice: set[str] = set()
    for site in instance.sites:
        for slot in site.slots:
            for card in slot:
                (twice if card.key in seen else seen).add(card.key)
    return frozenset(twice)


def _family_counts(groups: Iterable[Group]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for group in groups:
        counts[group.family] += group.count
    return counts
