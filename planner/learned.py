"""What engines measured on earlier runs, used by sizing. Asks no host.

The record is a memory: what a log says now goes before it, and without it everything still works.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from planner.apply.record import Record, record_path, recover_record
from planner.diagnostics import Diagnostic, note, warning
from planner.errors import RecordUnusable
from planner.farm import Placed, Placement
from planner.sizing.learn import corrected
from planner.sizing.measured import Learned, Lesson
from planner.sizing.settings import settings_digest
from planner.units import gib


def digest_of(replica: Placed) -> str:
    """The digest of everything that its memory depends on."""
    return settings_digest(replica.model, replica.host, replica.devices)


def recall(path: Path, project: str) -> tuple[Record, tuple[Diagnostic, ...]]:
    """The record beside a blueprint; an empty one and a remark where it cannot be read."""
    try:
        return recover_record(record_path(path, project), project)[0], ()
    except RecordUnusable as problem:
        said = note(
            "nothing that engines measured is used", detail=f"{problem}", advice=problem.advice
        )
        return Record(project), (said,)


def lessons(
    replicas: Iterable[Placed], running: Collection[tuple[str, str]], known: Mapping[str, Learned]
) -> dict[tuple[str, str], Lesson]:
    """Predicted against real, by host and workload, for replicas that run as planned."""
    found = {}
    for replica in replicas:
        key = (replica.host.name, replica.name)
        learned = known.get(digest_of(replica)) if key in running else None
        lesson = corrected(replica.report, learned).lesson if learned else None
        if lesson is not None:
            found[key] = lesson
    return found


def with_measured(
    placement: Placement, known: Mapping[str, Learned]
) -> tuple[Placement, tuple[Diagnostic, ...]]:
    """The placement with measured terms in its reports, and warnings where those do not fit.

    Who runs where stays: hosts that are equal must stay equal for placement, and a measurement
    is of one of them.
    """
    if not known:
        return placement, ()
    replicas = tuple(_corrected(replica, known) for replica in placement.replicas)
    after = placement._replace(replicas=replicas)
    return after, tuple(_too_full(after))


def _corrected(replica: Placed, known: Mapping[str, Learned]) -> Placed:
    learned = known.get(digest_of(replica))
    return replace(replica, report=corrected(replica.report, learned)) if learned else replica


def _too_full(placement: Placement) -> Iterable[Diagnostic]:
    """Cards whose replicas take more than they have, by what engines measured."""
    taken: dict[tuple[str, int], int] = {}
    for replica in placement.replicas:
        for device, share in zip(replica.devices, replica.report.devices, strict=False):
            key = (replica.host.name, device.index)
            taken[key] = taken.get(key, 0) + share.used_bytes
    for host in placement.farm.hosts:
        for device in host.devices:
            over = taken.get((host.name, device.index), 0) - device.memory_bytes
            if over > 0:
                yield warning(
                    f"{device.device.id} #{device.index} of {host.name} lacks {gib(over)}",
                    "hosts", host.name,
                    detail="by what its engines measured when they ran with these settings",
                    advice="see the terms: planner size BLUEPRINT --explain",
                )  # fmt: skip
