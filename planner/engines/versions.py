"""Versions of an engine as dated data: images, port, paths and the options each one knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from planner.units import MIB

_NUMBER: Final = re.compile(r"\d+")


class EngineDataError(Exception):
    """A shipped row is malformed: a fault of planner's own."""


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """One version of an engine.

    ``program`` starts it in a root folder archive, ``image_program`` in the registry image.
    ``images`` maps ``cpu``, ``cuda``, ``rocm`` or ``cuda-8.9`` to a reference without digest;
    ``health_command`` is a probe that exists in those images. ``start_seconds`` is what starting
    takes beyond reading the weights, ``ram_bytes`` what the process takes beside its model and
    what sizing counts. ``outside_share`` are the terms that a capped share does not cover.
    """

    engine: str
    version: str
    date: str
    source: str
    program: tuple[str, ...]
    image_program: tuple[str, ...]
    images: Mapping[str, str]
    port: int
    health: str
    metrics: str | None
    health_command: tuple[str, ...]
    start_seconds: int
    ram_bytes: int
    processes: int
    outside_share: frozenset[str]
    flags: frozenset[str]

    def knows(self, flag: str) -> bool:
        """Whether this version has that option."""
        return flag in self.flags

    def image_for(self, vendor: str | None, capability: str | None) -> str | None:
        """The image for a device of that maker and compute capability; None vendor is the CPU."""
        kind = {None: "cpu", "nvidia": "cuda", "amd": "rocm"}.get(vendor)
        if kind is None:
            return None
        found = self.images.get(f"{kind}-{capability}") or self.images.get(kind)
        return found.format(version=self.version) if found else None


def parse_versions(text: str, where: str) -> tuple[EngineVersion, ...]:
    """The rows of an engine's file, newest first. Raises EngineDataError on a bad row."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    try:
        common = data["common"]
        rows = [_row(data["engine"], {**common, **row}) for row in data["versions"]]
    except (KeyError, TypeError, ValueError) as fault:
        raise EngineDataError(f"{where}: {fault!r}") from fault
    return tuple(sorted(rows, key=lambda row: _order(row.version), reverse=True))


def pick_version(
    rows: tuple[EngineVersion, ...], wanted: str | None
) -> tuple[EngineVersion | None, bool]:
    """The row for a version, and whether it is that version's own.

    Without a wish the newest; between two rows the older, because options come and go with
    releases and the last known ones are the best guess; None below the oldest.
    """
    if wanted is None:
        return rows[0], True
    for row in rows:
        if row.version == wanted:
            return row, True
    for row in rows:
        if _order(row.version) <= _order(wanted):
            return replace(row, version=wanted), False
    return None, False


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in _NUMBER.findall(version))


def _row(engine: str, row: Mapping[str, Any]) -> EngineVersion:
    return EngineVersion(
        engine=engine,
        version=row["version"],
        date=str(row["date"]),
        source=row["source"],
        program=tuple(row["program"]),
        image_program=tuple(row["image_program"]),
        images=row["images"],
        port=int(row["port"]),
        health=row["health"],
        metrics=row["metrics"],
        health_command=tuple(row["health_command"]),
        start_seconds=int(row["start_seconds"]),
        ram_bytes=int(row["ram_mib"]) * MIB,
        processes=int(row["processes"]),
        outside_share=frozenset(row.get("outside_share", ())),
        flags=frozenset(row["flags"].split()),
    )
