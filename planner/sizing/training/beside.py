"""Whether a training run may share the farm's devices with the models that serve there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from planner.farm import FarmHost, HostDevice, Placed, Placement
from planner.sizing.devices import accelerator
from planner.sizing.training.hours import hours_of
from planner.sizing.training.memory import terms
from planner.sizing.training.values import Hours, TrainRequest


class Verdict(StrEnum):
    """What it takes to train on a device of the farm."""

    NOW = "now"
    POOL = "a smaller KV pool"
    STOP = "models stopped"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class BesideRow:
    """One device of the farm. ``spare_bytes`` is KV pool beyond one longest sequence, which its
    engine can give back; ``replicas`` are what serves there."""

    host: str
    device: str
    index: int
    total_bytes: int
    free_bytes: int
    spare_bytes: int
    need_bytes: int
    verdict: Verdict
    replicas: tuple[str, ...]
    hours: Hours | None


def beside(
    request: TrainRequest, placement: Placement, device: str | None = None
) -> tuple[BesideRow, ...]:
    """A row for every card of the farm, or for those of one kind; the whole run on each alone."""
    rows = []
    for host in placement.farm.hosts:
        for card in host.devices:
            if device is None or card.device.id == device:
                rows.append(_row(request, placement, host, card))
    return tuple(rows)


def _row(
    request: TrainRequest, placement: Placement, host: FarmHost, card: HostDevice
) -> BesideRow:
    alone = replace(request, devices=(accelerator(card.device, None),), sharded=False)
    need = sum(term.bytes for term in terms(alone))
    here = tuple(_on(placement, host, card.index))
    kept = host.spec.keep_free.vram if host.spec.keep_free else None
    room = card.memory_bytes - (kept or 0)
    free = room - sum(used for _, used, _ in here)
    spare = sum(pool for _, _, pool in here)
    return BesideRow(
        host=host.name,
        device=card.device.id,
        index=card.index,
        total_bytes=card.memory_bytes,
        free_bytes=free,
        spare_bytes=spare,
        need_bytes=need,
        verdict=_verdict(need, free, spare, room),
        replicas=tuple(placed.name for placed, _, _ in here),
        hours=hours_of(alone),
    )


def _verdict(need: int, free: int, spare: int, room: int) -> Verdict:
    if need <= free:
        return Verdict.NOW
    if need <= free + spare:
        return Verdict.POOL
    return Verdict.STOP if need <= room else Verdict.NEVER


def _on(placement: Placement, host: FarmHost, index: int) -> Iterator[tuple[Placed, int, int]]:
    """Each replica on that card, with the bytes it takes and the pool it could give back."""
    for placed in placement.replicas:
        if placed.host.name != host.name:
            continue
        for device, size in zip(placed.devices, placed.report.devices, strict=False):
            if device.index == index:
                pool = sum(term.bytes for term in size.terms if term.name == "kv_cache")
                yield placed, size.used_bytes, _spare(placed, pool)


def _spare(placed: Placed, pool: int) -> int:
    holds, context = placed.report.kv_capacity_tokens, placed.model.context
    if not holds or not context or holds <= context:
        return 0
    return pool * (holds - context) // holds
