"""Which running workloads get a second one beside them before they are replaced: those that serve
alone, where the host has the memory for both. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from planner.diff.values import Observed, Operation, StartSurge, StopSurge
from planner.farm import SURGE
from planner.render.bundle import RAM, HostBundle, Memory, Workload


class Surge(NamedTuple):
    """What serves beside a workload, and its turn: those of one turn run side by side."""

    workload: Workload
    turn: int


def surges(wanted: HostBundle, seen: Observed, starts: Collection[str]) -> Mapping[str, Surge]:
    """By the name of the workload that is replaced.

    What memory is taken meanwhile: by every workload the more of what it takes now and what it
    will take, and by those beside them. Where that is not known, nothing is started beside.
    """
    here = {w.name for w in seen.workloads if w.health.serves and w.name not in seen.unproven}
    asked = [
        (name, workload)
        for workload in wanted.surges
        if (name := workload.name.removesuffix(SURGE)) in starts and name in here
    ]
    left = _left(wanted, seen) if asked else None
    if left is None:
        return {}
    found: dict[str, Surge] = {}
    turns: list[Counter[str]] = []
    for name, workload in asked:
        if not workload.memory or not _fits(workload.memory, left):
            continue
        if not turns or not _fits(workload.memory, turns[-1]):
            turns.append(Counter(left))
        turns[-1].subtract(dict(workload.memory))
        found[name] = Surge(workload, len(turns) - 1)
    return found


def is_surge(name: str) -> bool:
    """Whether a workload's name is one of what serves beside another."""
    return name.endswith(SURGE)


def before(host: str, beside: str, surge: Workload, after: tuple[str, ...]) -> StartSurge:
    """The start of what serves beside."""
    return StartSurge(
        id=f"{host}/start-surge/{surge.name}",
        host=host,
        target=surge.name,
        cause=f"{beside} goes on serving until it answers",
        depends_on=after,
        workload=surge,
        beside=beside,
    )


def after(host: str, beside: str, surge: Workload, proof: Operation) -> StopSurge:
    """Its end, once the workload beside it answers."""
    return StopSurge(
        id=f"{host}/stop-surge/{surge.name}",
        host=host,
        target=surge.name,
        cause=f"{beside} answers by then",
        depends_on=(proof.id,),
        workload=surge,
        beside=beside,
    )


def _left(wanted: HostBundle, seen: Observed) -> Counter[str] | None:
    """The memory that nothing takes while workloads are replaced; None when that is not known."""
    manifest = seen.manifests.get(seen.release or "")
    now = {w.name: w.memory for w in manifest.workloads} if manifest else {}
    will = {w.name: w.memory for w in wanted.workloads}
    running = {w.name for w in seen.workloads if w.name in will}
    if any(not memory for memory in will.values()) or any(not now.get(name) for name in running):
        return None
    left = _room(wanted, seen)
    for name, memory in will.items():
        then = Counter(dict(memory))
        left.subtract(then | Counter(dict(now[name])) if name in running else then)
    for card in seen.devices:
        # what others hold there, whom no release names
        key = str(card.index)
        left[key] = min(left[key], card.total_bytes - card.used_bytes)
    return left


def _room(wanted: HostBundle, seen: Observed) -> Counter[str]:
    """What the host has: the less of what is written of it and what it says itself."""
    room = Counter(dict(wanted.room))
    says = {str(card.index): card.total_bytes for card in seen.devices}
    if seen.ram_bytes is not None:
        says[RAM] = seen.ram_bytes
    for key, size in says.items():
        room[key] = min(room.get(key, size), size)
    return room


def _fits(memory: Memory, room: Counter[str]) -> bool:
    return all(size <= room[key] for key, size in memory)
