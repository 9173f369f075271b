"""The placement problem as plain numbers: what every site has, what every replica may take.

Nothing here knows of models, engines or money as such, so that a solver, an enumeration and a
benchmark read the same thing. Memory is in MiB: what is taken is rounded up, what is there down.
Costs are in hundredths of the currency a month; speed and headroom in thousandths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


@dataclass(frozen=True, slots=True)
class CardState:
    """One card. ``busy`` when something that stays already runs on it: then it can only be shared,
    and not by ``families`` (models that have a replica on it)."""

    key: str
    room: int
    busy: bool = False
    families: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Site:
    """A host. ``cost`` is what it adds a month when anything runs on it, ``charged`` the part of
    that which counts against the budget.

    ``slots`` are its groups of equal cards, ``pools`` the names of the pools that each role
    (``ram``, ``disk``, ``cores``) draws on: its own, and its parent's for a VM of unknown size.
    ``machine`` is the real machine it is part of; ``ports`` those in use; ``stored`` what lies on
    its disk already, ``families`` the models that run there and stay.
    """

    name: str
    kind: int
    cost: int = 0
    slots: tuple[tuple[CardState, ...], ...] = ()
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    machine: str = ""
    ports: frozenset[int] = frozenset()
    stored: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    charged: int = 0


@dataclass(frozen=True, slots=True)
class Option:
    """One way to run a replica on hosts of one kind.

    ``count`` cards of group ``slot`` with ``memory`` each, ``whole`` when nothing else may run on
    them; none of them for RAM alone. ``draws`` go by role. ``stored`` are files shared by all
    replicas on the host.
    """

    slot: int | None = None
    count: int = 0
    memory: int = 0
    whole: bool = False
    draws: Mapping[str, int] = field(default_factory=dict)
    stored: tuple[tuple[str, int], ...] = ()
    port: int | None = None
    speed: int = 0
    headroom: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Equal replicas. ``options`` go by kind of host; ``sites`` are the hosts it may use (None:
    every one), ``near`` the machines it should be on (None: no wish). ``family`` is the model:
    two replicas of a family never share a card. ``running`` counts those that run now, by site."""

    name: str
    family: str
    count: int
    options: Mapping[int, tuple[Option, ...]]
    sites: frozenset[str] | None = None
    near: frozenset[str] | None = None
    running: Mapping[str, int] = field(default_factory=dict)

    def on(self, site: Site) -> tuple[Option, ...]:
        """Ways to run a replica of this group on that host."""
        if self.sites is not None and site.name not in self.sites:
            return ()
        return self.options.get(site.kind, ())

    def misses(self, site: Site) -> bool:
        """Whether the host is not where the group should be."""
        return self.near is not None and site.machine not in self.near


@dataclass(frozen=True, slots=True)
class Instance:
    """Sites in the order they are preferred, what each pool holds, and what is asked for.

    ``budget`` is what the sites in use may be charged together; None holds them to nothing.
    """

    sites: tuple[Site, ...]
    pools: Mapping[str, int]
    groups: tuple[Group, ...]
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """One replica placed: positions of its group, site and option, and the keys of its cards."""

    group: int
    site: int
    option: int
    cards: tuple[str, ...] = ()


class Level(IntEnum):
    """What is compared first to last. Every level is a sum to be made small."""

    UNPLACED = 0  # replicas without a place
    COST = 1  # hundredths a month of the hosts in use
    APART = 2  # replicas beside another of their model, or away from what they should be near
    SPEED = 3  # thousandths of the best speed that were given up, over interactive replicas
    HEADROOM = 4  # thousandths of memory that are not free, and 1000 for each card-sharer
    MOVED = 5  # running replicas that would have to move
    ORDER = 6  # positions of what is used: the hosts and models written first


LEVELS = tuple(Level)
SHARING = 1000  # what sharing a card counts: as much as a replica without any headroom


def score(instance: Instance, spots: tuple[Spot, ...]) -> tuple[int, ...]:
    """The value of every level for an assignment, in the order of the levels."""
    by_place: dict[tuple[str, int], int] = {}
    here: dict[tuple[int, int], int] = {}
    residents: dict[str, int] = {}
    for site in instance.sites:
        residents.update({c.key: 1 for slot in site.slots for c in slot if c.busy})
    cost = sum(instance.sites[s].cost for s in {spot.site for spot in spots})
    apart = speed = headroom = order = 0
    for spot in spots:
        group, site = instance.groups[spot.group], instance.sites[spot.site]
        option = group.on(site)[spot.option]
        key = (group.family, spot.site)
        by_place[key] = by_place.get(key, 0) + 1
        here[spot.group, spot.site] = here.get((spot.group, spot.site), 0) + 1
        apart += group.misses(site)
        speed += best_speed(group) - option.speed
        headroom += 1000 - option.headroom
        order += position(instance, spot.group, spot.site)
        for card in spot.cards:
            residents[card] = residents.get(card, 0) + 1
    for (family, where), count in by_place.items():
        apart += count - (family not in instance.sites[where].families)
    shared = sum(count - 1 for count in residents.values() if count > 1)
    unplaced = sum(group.count for group in instance.groups) - len(spots)
    number = {site.name: place for place, site in enumerate(instance.sites)}
    moved = sum(
        max(0, count - here.get((place, number[name]), 0))
        for place, group in enumerate(instance.groups)
        for name, count in group.running.items()
        if name in number
    )
    return (unplaced, cost, apart, speed, headroom + SHARING * shared, moved, order)


def charged(instance: Instance, spots: tuple[Spot, ...]) -> int:
    """What counts against the budget: hundredths a month of the hosts in use."""
    return sum(instance.sites[s].charged for s in {spot.site for spot in spots})


def constant(instance: Instance, level: Level) -> int:
    """What the score of a level has beyond the model's sum."""
    if level is Level.UNPLACED:
        return sum(group.count for group in instance.groups)
    if level is Level.MOVED:
        names = {site.name for site in instance.sites}
        running = (g.running.items() for g in instance.groups)
        return sum(count for items in running for name, count in items if name in names)
    return 0


def position(instance: Instance, group: int, site: int) -> int:
    """What a replica adds to the last level: models written first matter more than hosts."""
    return group * len(instance.sites) + site


def best_speed(group: Group) -> int:
    """The best speed of any option of the group."""
    return max((o.speed for options in group.options.values() for o in options), default=0)
