"""What serves beside a model's only replica while that one is replaced: a second one, on a port of
its own, which leaves again once the new one answers.

Its files lie in a folder of the release that nothing but its start looks into.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from planner.farm import SURGE, FarmHost, Placed, Placement
from planner.ports import free_port, stable_port
from planner.render.bundle import RAM, File, Memory
from planner.render.compose import FILE as COMPOSE
from planner.render.limits import memory_limit
from planner.render.replica import Replica
from planner.room import Room
from planner.units import GIB, MIB, round_up

FOLDER: Final = "surge"


def surges(placement: Placement) -> tuple[Placed, ...]:
    """One for each model with a single replica: of several, the others serve meanwhile."""
    used: dict[str, set[int]] = {}
    for placed in placement.replicas:
        used.setdefault(placed.host.name, set()).add(placed.port)
    found = []
    for placed in placement.replicas:
        if placed.model.spec.replicas > 1 or placed.host.rented:
            continue
        ports = used[placed.host.name]
        start = stable_port(placement.farm.project, f"{placed.model.name}{SURGE}", placed.index)
        port = free_port(start, ports, placed.host.name)
        ports.add(port)
        found.append(replace(placed, port=port, surge=True))
    return tuple(found)


def apart(files: Iterable[File]) -> tuple[File, ...]:
    """The files of what serves beside others, where its start looks for them."""
    return tuple(
        replace(file, path=f"{FOLDER}/{file.path}") if _started_from(file) else file
        for file in files
    )


def memory_of(replica: Replica) -> Memory:
    """What a replica takes, in steps: a slightly better estimate is no other release."""
    placed = replica.placed
    sizes = zip(placed.devices, placed.report.devices, strict=False)
    cards = [(str(device.index), _stepped(size.used_bytes)) for device, size in sizes]
    if any(number == 0 for _, number in cards) or len(cards) != len(placed.devices):
        return ()  # it is not known
    return ((RAM, memory_limit(replica)), *cards)


def memory_for(host: FarmHost, room_of: Mapping[str, Room]) -> Memory:
    """What a host has for its workloads, as far as the blueprint says."""
    room = room_of[host.name]
    cards = [(str(card.device.index), card.room_bytes) for card in room.cards]
    if any(host.name in other.ram_charges for other in room_of.values()):
        return ((RAM, 0), *cards)  # a VM without a size of its own may take all of it
    return tuple(cards) if room.ram_bytes is None else ((RAM, room.ram_bytes), *cards)


def _started_from(file: File) -> bool:
    """Whether a runtime starts it from there; what an engine reads keeps its place."""
    return file.path == COMPOSE or file.path.startswith("units/")


def _stepped(number: int) -> int:
    return round_up(number, GIB if number > 8 * GIB else 256 * MIB)
