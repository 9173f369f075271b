"""The farm as a placement problem in plain numbers, and the way back from numbers to replicas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from planner.farm import Farm, FarmHost, FarmModel
from planner.placement.attempt import Sizer, equal_cards
from planner.placement.instance import CardState, Group, Instance, Option, Site
from planner.placement.ledger import Ledger
from planner.placement.ways import Way, kind_of, ways
from planner.room import Room, parents
from planner.units import MIB, ceil_div

MonthlyCost = Callable[[FarmHost], int | None]
UNKNOWN_PRICE: Final = 10**9  # hundredths: a host whose rent is not known is used last


@dataclass(frozen=True, slots=True)
class Problem:
    """``ways`` hold what an option of a group on a kind of host is; ``indices`` the replicas of a
    group."""

    instance: Instance
    models: tuple[FarmModel, ...]
    indices: tuple[tuple[int, ...], ...]
    ways: Mapping[tuple[int, int], tuple[Way, ...]]
    rooms: tuple[Room, ...]

    def keys(self, site: int, devices: Iterable[int]) -> tuple[str, ...]:
        """The keys of a host's cards by their indices."""
        wanted = set(devices)
        return tuple(card.key for card in self.rooms[site].cards if card.device.index in wanted)

    @property
    def open(self) -> bool:
        """Whether any replica has more than one place to choose from."""
        return any(self._places(group) > 1 for group in self.instance.groups)

    def _places(self, group: Group) -> int:
        """Ways to run one replica; a choice of cards counts as two."""
        every = [(site, option) for site in self.instance.sites for option in group.on(site)]
        chosen = (o.slot is not None and len(s.slots[o.slot]) > o.count for s, o in every)
        return len(every) + any(chosen)

    def way(self, group: int, site: int, option: int) -> Way:
        """What a spot means."""
        return self.ways[group, self.instance.sites[site].kind][option]


def pose(
    farm: Farm,
    room_of: Mapping[str, Room],
    ledger: Ledger,
    size: Sizer,
    cost: MonthlyCost | None = None,
) -> Problem:
    """The problem that is left when the ledger's entries stay. ``cost`` is asked of hosts that
    cost more when they are used, in hundredths a month; None is unknown."""
    kinds: dict[tuple[object, ...], int] = {}
    of = {name: kinds.setdefault(kind_of(room), len(kinds)) for name, room in room_of.items()}
    groups: list[Group] = []
    models: list[FarmModel] = []
    indices: list[tuple[int, ...]] = []
    found: dict[tuple[int, int], tuple[Way, ...]] = {}
    for model in farm.models:
        near = _near(farm, model, room_of)
        for names, members in _pinned(model, room_of).items():
            number = len(groups)
            for name in names:
                key = (number, of[name])
                if key not in found:
                    found[key] = ways(model, room_of[name], size)
            options = {kind: found.get((number, kind), ()) for kind in set(of.values())}
            allowed = None if not model.spec.on else frozenset(names)
            groups.append(_group(model, len(members), options, allowed, near))
            models.append(model)
            indices.append(members)
    free = any(group.sites is None for group in groups)
    # own hosts draw what they draw, and what stores and services stand on is rented anyway
    optional = {host.name for host in farm.hosts if host.rented} - farm.hosts_beside
    pools: dict[str, int] = {}
    sites = tuple(
        _site(room, of[name], room_of, ledger, pools, cost if free else None, optional)
        for name, room in room_of.items()
    )
    return Problem(Instance(sites, pools, tuple(groups)), tuple(models), tuple(indices), found,
                   tuple(room_of.values()))  # fmt: skip


def _pinned(model: FarmModel, names: Mapping[str, Room]) -> dict[tuple[str, ...], tuple[int, ...]]:
    """Replicas by the hosts they may use: the one that ``on`` names, cycling, else every one."""
    on = model.spec.on
    if not on:
        return {tuple(names): tuple(range(model.spec.replicas))}
    found: dict[tuple[str, ...], tuple[int, ...]] = {}
    for index in range(model.spec.replicas):
        name = on[index % len(on)]
        where = (name,) if name in names else ()
        found[where] = (*found.get(where, ()), index)
    return found


def _near(farm: Farm, model: FarmModel, names: Mapping[str, Room]) -> frozenset[str] | None:
    """The machines that the store named by ``near`` is on; None without a wish, or without an
    answer."""
    store = farm.blueprint.stores.get(model.spec.near or "")
    if store is None or not store.on:
        return None
    hosts = {name: room.host for name, room in names.items()}
    return frozenset(machine(hosts, name) for name in store.on if name in hosts)


def machine(hosts: Mapping[str, FarmHost], name: str) -> str:
    """The real machine that a host is part of: itself, or the outermost one around a VM."""
    return (name, *parents(hosts, name))[-1]


def _group(
    model: FarmModel,
    count: int,
    options: Mapping[int, tuple[Way, ...]],
    sites: frozenset[str] | None,
    near: frozenset[str] | None,
) -> Group:
    best = max((way.speed for found in options.values() for way in found), default=0.0)
    made = {kind: tuple(_option(way, best) for way in found) for kind, found in options.items()}
    name = model.name if sites is None else f"{model.name} on {', '.join(sorted(sites))}"
    return Group(name, model.name, count, made, sites, near)


def _option(way: Way, best: float) -> Option:
    wanted = way.demand
    return Option(
        slot=way.slot,
        count=way.count,
        memory=max(1, ceil_div(way.card_bytes, MIB)),
        whole=way.whole,
        draws={"ram": ceil_div(wanted.ram_bytes, MIB), "cores": wanted.threads},
        stored=tuple((item.key, ceil_div(item.bytes, MIB)) for item in wanted.stored),
        port=wanted.port,
        speed=round(1000 * way.speed / best) if best else 0,
        headroom=way.headroom,
    )


def _site(
    room: Room,
    kind: int,
    room_of: Mapping[str, Room],
    ledger: Ledger,
    pools: dict[str, int],
    cost: MonthlyCost | None,
    optional: Collection[str],
) -> Site:
    host = room.host
    roles = {
        "ram": _pool(pools, ledger, 0, (host.name, *room.ram_charges)),
        "disk": _pool(pools, ledger, 1, (host.name, *room.disk_charges)),
        "cores": _pool(pools, ledger, 2, (host.name,)),
    }
    monthly = cost(host) if cost else 0
    return Site(
        name=host.name,
        kind=kind,
        cost=UNKNOWN_PRICE if monthly is None else monthly,
        charged=(monthly or 0) if host.name in optional else 0,
        slots=tuple(
            tuple(CardState(card.key, card.room_bytes // MIB) for card in cards)
            for cards in equal_cards(room.cards)
        ),
        pools=roles,
        machine=machine({name: item.host for name, item in room_of.items()}, host.name),
        ports=frozenset(ledger.ports(host.name)),
        stored=ledger.stored(host.name),
    )


_ROLES: Final = ("ram", "disk", "cores")


def _pool(
    pools: dict[str, int], ledger: Ledger, role: int, names: Sequence[str]
) -> tuple[str, ...]:
    """The pools of a role with what is left in them; a host whose size is unknown has none."""
    found = []
    for name in names:
        left = ledger.left(name)[role]
        if left is not None:
            pool = f"{name}/{_ROLES[role]}"
            pools[pool] = left if role == 2 else left // MIB
            found.append(pool)
    return tuple(found)
