"""What each host has to give: memory per card, RAM and disk, less what is kept free or lent to VMs.

It reads hosts only, no model: placement fills it, and a second replica must fit into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.diagnostics import Diagnostic, error
from planner.farm import FarmHost, HostDevice
from planner.units import gib


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU. ``key`` is the same for a card that a host and its VM both list (by its UUID)."""

    key: str
    device: HostDevice
    room_bytes: int


@dataclass(frozen=True, slots=True)
class Room:
    """What a host can give to replicas. None is unknown, and is not checked.

    ``ram_bytes`` and ``disk_bytes`` are already without what is kept free and without what the
    VMs within the host hold for themselves. ``charges`` are the parents that pay for RAM or disk
    taken here because the VM's own size is not written.
    """

    host: FarmHost
    cards: tuple[Card, ...]
    ram_bytes: int | None
    disk_bytes: int | None
    ram_charges: tuple[str, ...]
    disk_charges: tuple[str, ...]
    cores: int | None = None


def rooms(hosts: Iterable[FarmHost]) -> tuple[dict[str, Room], tuple[Diagnostic, ...]]:
    """The room of every host by name, and an error for each host whose VMs hold more than it has.

    A VM's memory is the parent's: what the VM holds is taken from the parent at once, whether or
    not anything runs in the VM, because that is how hypervisors reserve it.
    """
    by_name = {host.name: host for host in hosts}
    ram = {name: host.ram_bytes for name, host in by_name.items()}
    disk = {name: host.disk_bytes for name, host in by_name.items()}
    ram_left, ram_faults = _without_vms(by_name, ram, "RAM")
    disk_left, disk_faults = _without_vms(by_name, disk, "disk")
    result = {}
    for name, host in by_name.items():
        keep = host.spec.keep_free
        result[name] = Room(
            host=host,
            cards=tuple(_card(host, device) for device in host.devices),
            ram_bytes=_less(ram_left[name], keep.ram if keep else None),
            disk_bytes=_less(disk_left[name], keep.disk if keep else None),
            ram_charges=_charges(by_name, ram, name),
            disk_charges=_charges(by_name, disk, name),
            cores=host.cpu.cores.value * host.spec.sockets if host.cpu else None,
        )
    return result, ram_faults + disk_faults


def parents(hosts: Mapping[str, FarmHost], name: str) -> tuple[str, ...]:
    """The hosts around a VM, nearest first. Stops at an unknown name or a ring of names."""
    chain: list[str] = []
    parent = hosts[name].spec.within
    while parent is not None and parent in hosts and parent != name and parent not in chain:
        chain.append(parent)
        parent = hosts[parent].spec.within
    return tuple(chain)


def _card(host: FarmHost, device: HostDevice) -> Card:
    keep = host.spec.keep_free.vram if host.spec.keep_free else None
    key = device.uuid or f"{host.name}/{device.index}"
    return Card(key, device, max(0, device.memory_bytes - (keep or 0)))


def _less(have: int | None, keep: int | None) -> int | None:
    return None if have is None else max(0, have - (keep or 0))


def _without_vms(
    hosts: Mapping[str, FarmHost], have: Mapping[str, int | None], what: str
) -> tuple[dict[str, int | None], tuple[Diagnostic, ...]]:
    left = dict(have)
    for name in hosts:
        chain = parents(hosts, name)
        held = have[name]
        if not chain or held is None:
            continue
        payer = next((parent for parent in chain if have[parent] is not None), None)
        if payer is not None:
            left[payer] = (left[payer] or 0) - held
    faults = tuple(
        _overlent(hosts, have, name, -room, what)
        for name, room in left.items()
        if room is not None and room < 0
    )
    return {n: None if room is None else max(0, room) for n, room in left.items()}, faults


def _overlent(
    hosts: Mapping[str, FarmHost], have: Mapping[str, int | None], name: str, over: int, what: str
) -> Diagnostic:
    inside = [n for n in hosts if name in parents(hosts, n) and have[n] is not None]
    return error(
        f"the VMs within {name} hold {gib(over)} more {what} than it has",
        "hosts",
        name,
        detail=f"{name} has {gib(have[name] or 0)}; within it: "
        + ", ".join(f"{n} {gib(have[n] or 0)}" for n in inside),
        advice=f"lower `{what.lower()}:` of a VM, or write the real `{what.lower()}:` of {name}",
    )


def _charges(
    hosts: Mapping[str, FarmHost], have: Mapping[str, int | None], name: str
) -> tuple[str, ...]:
    """A VM of unknown size draws on the nearest parent whose size is known."""
    if have[name] is not None:
        return ()
    known = (parent for parent in parents(hosts, name) if have[parent] is not None)
    return tuple(known)[:1]
