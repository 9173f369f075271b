"""Equal hosts joined into classes: a model small enough for farms of a thousand hosts.

It relaxes the problem (a class is treated as one pool of cards and memory, though a replica must
fit into one host), so that its optimum is a proven bound; ``unfold`` turns its counts into hosts.
What a pool alone would miss, such as two models of 13 GiB that cannot share 24 GiB, is put back by
dual feasible functions: for k from 1 to 8 the sum of ceil((k + 1) x size / room) - 1 is at most k a
bin (Fekete and Schepers, "New classes of fast lower bounds for bin packing problems", 2001).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from planner.placement.instance import (
    SHARING,
    Group,
    Instance,
    Level,
    Option,
    Site,
    best_speed,
)
from planner.placement.linear import LinearModel
from planner.units import ceil_div

_STEPS = tuple(range(1, 9))
IN_RAM: Final = -1  # in place of a slot: what runs from the host's RAM
_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class SiteClass:
    """Hosts that are equal in all that placement looks at, by position; ``site`` is the first."""

    site: Site
    members: tuple[int, ...]


def classes(instance: Instance) -> tuple[SiteClass, ...]:
    """The classes of an instance, in the order of their first hosts."""
    users = Counter(p for s in instance.sites for own in s.pools.values() for p in set(own))
    listed = Counter(c.key for s in instance.sites for slot in s.slots for c in slot)
    found: dict[_Key, list[int]] = {}
    named = [group for group in instance.groups if group.sites is not None]
    moving = [group for group in instance.groups if group.running]
    wishes = list(dict.fromkeys(g.near for g in instance.groups if g.near is not None))
    for place, site in enumerate(instance.sites):
        alone = any(users[p] > 1 for own in site.pools.values() for p in own)
        alone = alone or any(listed[c.key] > 1 for slot in site.slots for c in slot)
        key: _Key = (
            site.kind,
            site.cost,
            tuple(tuple((c.room, c.busy, c.families) for c in slot) for slot in site.slots),
            tuple((r, tuple(instance.pools[p] for p in own)) for r, own in site.pools.items()),
            tuple(site.name in (group.sites or ()) for group in named),
            tuple(group.running.get(site.name, 0) for group in moving),
            tuple(site.machine in near for near in wishes),
            site.ports,
            site.stored,
            site.families,
            place if alone else None,
        )
        found.setdefault(key, []).append(place)
    return tuple(SiteClass(instance.sites[own[0]], tuple(own)) for own in found.values())


@dataclass(frozen=True, slots=True)
class Way:
    """One that could share a bin: its variable, MiB and family, and how many of it one bin takes.

    No family where its like may stand beside it.
    """

    variable: int
    memory: int
    family: str
    most: int = 1


@dataclass(frozen=True, slots=True)
class Bin:
    """What replicas of a class share, all free and of one size: ``room`` MiB each, ``sharing`` the
    variable that counts those in use. The cards of a slot, or the hosts' RAM (``IN_RAM``)."""

    place: int
    slot: int
    room: int
    sharing: int
    ways: tuple[Way, ...]


class ClassModel:
    """Counts of each group and option per class; ``used`` is the number of hosts in use.

    With ``slack`` thousandths of each room left open it plans what can be unfolded; only without
    is its optimum a bound. ``cuts`` are the dual feasible functions over bins: who fills those with
    patterns needs none.
    """

    def __init__(
        self, instance: Instance, of: tuple[SiteClass, ...], slack: int = 0, *, cuts: bool = True
    ) -> None:
        self.instance, self.of, self._slack, self._cuts = instance, of, slack, cuts
        self.linear = LinearModel()
        self.levels: dict[Level, list[tuple[int, int]]] = {level: [] for level in Level}
        self.counts: list[tuple[int, int, int, int]] = []  # variable, class, group, option
        self.bins: list[Bin] = []
        self.used = [
            self.linear.variable(0 if c.site.cost else len(c.members), len(c.members)) for c in of
        ]
        self._pools: dict[str, list[tuple[int, int]]] = defaultdict(list)
        every: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for place, one in enumerate(of):
            self._class(place, one, every)
        for number, group in enumerate(instance.groups):
            self.linear.row(every[number], high=group.count)
            self.levels[Level.UNPLACED] += [(variable, -1) for variable, _ in every[number]]
        for pool, terms in self._pools.items():
            self.linear.row(terms, high=instance.pools[pool])

    def _less(self, room: int) -> int:
        """A room of which ``slack`` thousandths stay open: an easier plan to unfold, no bound."""
        return room - room * self._slack // 1000

    def _class(self, place: int, one: SiteClass, every: dict[int, list[tuple[int, int]]]) -> None:
        site, used, many = one.site, self.used[place], len(one.members)
        self.levels[Level.COST].append((used, site.cost))
        ways: list[tuple[int, Group, Option]] = []
        for number, group in enumerate(self.instance.groups):
            here = []
            for index, option in enumerate(group.on(site)):
                if option.port in site.ports:
                    continue
                variable = self.linear.variable(0, min(group.count, self._most(option, one)))
                self.counts.append((variable, place, number, index))
                ways.append((variable, group, option))
                here.append((variable, 1))
            self._weigh(group, site, here, many)
            every[number] += here
        for slot in range(len(site.slots)):
            self._slot(place, slot, [w for w in ways if w[2].slot == slot], used)
        self._pooled(one, ways, used)
        self._ram(place, ways, used)
        self._families(one, ways, used)
        self._files(one, ways, used)

    def _most(self, option: Option, one: SiteClass) -> int:
        """How many replicas the cards of a class could hold if nothing else ran there."""
        if option.port is not None:
            return len(one.members)
        if option.slot is None:
            return 1 << 30
        cards = one.site.slots[option.slot]
        fit = [c for c in cards if c.room >= option.memory and not (option.whole and c.busy)]
        each = len(fit) // option.count if option.whole else len(fit)
        return each * len(one.members) if len(fit) >= option.count else 0

    def _weigh(self, group: Group, site: Site, here: list[tuple[int, int]], many: int) -> None:
        best = best_speed(group)
        for (variable, _), option in zip(here, group.on(site), strict=False):
            self.levels[Level.SPEED].append((variable, best - option.speed))
            self.levels[Level.HEADROOM].append((variable, 1000 - option.headroom))
        if group.misses(site):
            self.levels[Level.APART] += here
        running = group.running.get(site.name, 0) * many
        if running:
            kept = self.linear.variable(0, running)
            self.linear.row([(kept, 1), *((v, -1) for v, _ in here)], high=0)
            self.levels[Level.MOVED].append((kept, -1))

    def _slot(
        self, place: int, slot: int, ways: list[tuple[int, Group, Option]], used: int
    ) -> None:
        one = self.of[place]
        cards = one.site.slots[slot]
        wholes = [(v, o.count) for v, _, o in ways if o.whole]
        free = sum(not card.busy for card in cards)
        if free == len(cards):
            sharing = self.linear.variable(0, free * len(one.members))
            self._bins([(v, o.count) for v, _, o in ways if o.whole], free, used)
            self.linear.row([*wholes, (sharing, 1), (used, -free)], high=0)
            shared = [(v, g, o) for v, g, o in ways if not o.whole]
            room = min(card.room for card in cards) if cards else 0
            roomy = max((card.room for card in cards), default=0)
            each = [(v, o.memory, o.count) for v, _, o in shared]
            self.linear.row([*((v, m * n) for v, m, n in each), (sharing, -roomy)], high=0)
            if room == roomy:
                self._cut(each, room, sharing)
                if all(o.count == 1 for _, _, o in shared):
                    held = tuple(Way(v, o.memory, g.family) for v, g, o in shared)
                    self.bins.append(Bin(place, slot, room, sharing, held))
            self._sharers(shared, sharing)
        else:  # something runs there already: only the sums are held
            self.linear.row([*wholes, (used, -free)], high=0)
            shared_sum = [(v, o.memory * o.count) for v, _, o in ways]
            self.linear.row([*shared_sum, (used, -sum(card.room for card in cards))], high=0)

    def _sharers(self, shared: list[tuple[int, Group, Option]], sharing: int) -> None:
        """At most one replica of a family a card; each guest beyond the first costs headroom."""
        families: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for variable, group, option in shared:
            families[group.family].append((variable, option.count))
        for terms in families.values():
            self.linear.row([*terms, (sharing, -1)], high=0)
        guests = [(v, o.count) for v, _, o in shared]
        if guests:
            most = sum(self.linear.high[v] * n for v, n in guests)
            beyond = self.linear.variable(0, most)
            self.linear.row([*guests, (sharing, -1), (beyond, -1)], high=0)
            self.levels[Level.HEADROOM].append((beyond, SHARING))

    def _cut(self, each: list[tuple[int, int, int]], room: int, bins: int) -> None:
        """Dual feasible functions over memory: one a step, and one for each size under a half."""
        if not self._cuts:
            return
        for k in _STEPS:
            terms = [(v, n * (ceil_div((k + 1) * m, room) - 1)) for v, m, n in each]
            self.linear.row([*terms, (bins, -k)], high=0)
        small = sorted({m for _, m, _ in each if m <= room // 2})
        for least in small[:: max(1, len(small) // 12)]:
            terms = [
                (v, n * (room if m > room - least else m if m >= least else 0)) for v, m, n in each
            ]
            self.linear.row([*terms, (bins, -room)], high=0)

    def _bins(self, sizes: list[tuple[int, int]], room: int, bins: int) -> None:
        for k in _STEPS if room else ():
            terms = [(v, ceil_div((k + 1) * size, room) - 1) for v, size in sizes if size]
            self.linear.row([*terms, (bins, -k)], high=0)

    def _pooled(self, one: SiteClass, ways: list[tuple[int, Group, Option]], used: int) -> None:
        for role, own in one.site.pools.items():
            sizes = [(v, o.draws[role]) for v, _, o in ways if o.draws.get(role)]
            for pool in own:
                if len(one.members) == 1:
                    self._pools[pool] += sizes
                room = self.instance.pools[pool]
                if pool == own[0]:
                    self.linear.row([*sizes, (used, -self._less(room))], high=0)
                    self._bins(sizes, room, used)

    def _ram(self, place: int, ways: list[tuple[int, Group, Option]], used: int) -> None:
        """RAM as a bin, on hosts that have nothing else: of one host alone the sum says it all."""
        one = self.of[place]
        own = one.site.pools.get("ram", ())
        if any(one.site.slots) or len(own) != 1 or len(one.members) == 1:
            return
        room = self._less(self.instance.pools[own[0]])
        held = [
            Way(v, size, "", min(room // size, self.linear.high[v]))
            for v, _, option in ways
            if 0 < (size := option.draws.get("ram", 0)) <= room
        ]
        self.bins.append(Bin(place, IN_RAM, room, used, tuple(held)))

    def _families(self, one: SiteClass, ways: list[tuple[int, Group, Option]], used: int) -> None:
        families: dict[str, list[tuple[int, int]]] = defaultdict(list)
        ports: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for variable, group, option in ways:
            families[group.family].append((variable, 1))
            if option.port is not None:
                ports[option.port].append((variable, 1))
        for family, terms in families.items():
            most = sum(self.linear.high[v] for v, _ in terms)
            there = family in one.site.families
            if most > 1 or there:
                beside = self.linear.variable(0, most)
                self.linear.row([*terms, (beside, -1), (used, 0 if there else -1)], high=0)
                self.levels[Level.APART].append((beside, 1))
        for terms in ports.values():
            self.linear.row([*terms, (used, -1)], high=0)
        if one.site.cost:
            for variable, _, _ in ways:
                self.linear.row([(variable, 1), (used, -self.linear.high[variable])], high=0)

    def _files(self, one: SiteClass, ways: list[tuple[int, Group, Option]], used: int) -> None:
        disks = one.site.pools.get("disk", ())
        if not disks:
            return
        files: dict[str, tuple[int, list[tuple[int, int]]]] = {}
        for variable, _, option in ways:
            for key, size in option.stored:
                if key not in one.site.stored:
                    files.setdefault(key, (size, []))[1].append((variable, 1))
        room = self.instance.pools[disks[0]]
        if sum(size for size, _ in files.values()) <= room:
            return
        copies = []
        for size, terms in files.values():
            there = self.linear.variable(0, len(one.members))
            most = sum(self.linear.high[v] for v, _ in terms)
            self.linear.row([*terms, (there, -most)], high=0)
            copies.append((there, size))
        self.linear.row([*copies, (used, -room)], high=0)


def counted(model: ClassModel, values: Iterable[int]) -> dict[int, list[tuple[int, int, int]]]:
    """Per class what a solution puts there: (group, option, how many)."""
    every = list(values)
    found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for variable, place, group, option in model.counts:
        if every[variable]:
            found[place].append((group, option, every[variable]))
    return found
