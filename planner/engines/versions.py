"""Versions of an engine as dated data: images, port, paths and the options each one knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from planner.engines.options import (
    EngineDataError,
    VersionOptions,
    order,
    parse_options,
    versions_with,
)
from planner.units import MIB


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """One version of an engine.

    ``program`` starts it in a root folder archive, ``image_program`` in the registry image.
    ``images`` maps ``cpu``, ``cuda``, ``rocm`` or ``cuda-8.9`` to a reference without digest;
    ``health_command`` is a probe that exists in those images. ``start_seconds`` is what starting
    takes beyond reading the weights, ``ram_bytes`` what the process takes beside its model and
    what sizing counts. ``outside_share`` are the terms that a capped share does not cover.
    ``words`` are names that its settings have in this version, ``renamed`` options that one
    version has under the first name and a later one under the second, ``every`` the options of
    all versions. ``no_image`` says how to get an image where nobody publishes one.
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
    words: Mapping[str, str]
    renamed: Mapping[str, str]
    every: Mapping[str, VersionOptions]
    no_image: str | None

    def knows(self, flag: str) -> bool:
        """Whether this version has that option."""
        return flag in self.flags

    def elsewhere(self, flag: str) -> str:
        """The versions that have an option, such as ``0.9.2 to 0.12.0``; empty for none."""
        return versions_with(self.every, flag)

    def image_for(self, vendor: str | None, capability: str | None) -> str | None:
        """The image for a device of that maker and compute capability; None vendor is the CPU."""
        kind = {None: "cpu", "nvidia": "cuda", "amd": "rocm"}.get(vendor)
        if kind is None:
            return None
        found = self.images.get(f"{kind}-{capability}") or self.images.get(kind)
        minor = ".".join(self.version.split(".")[:2])
        return found.format(version=self.version, minor=minor) if found else None


def parse_versions(text: str, options: str, where: str) -> tuple[EngineVersion, ...]:
    """The versions of an engine's file and of its ``options`` file, newest first.

    What holds for all of them stands under ``common``, what has changed under ``since``, from the
    version that it names on. Raises EngineDataError on a bad row.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    every = parse_options(options, where)
    try:
        name, common = data["engine"], data["common"]
        changes = sorted(data.get("since", []), key=lambda row: order(row["version"]))
        renamed = data.get("renamed", {})
        rows = [
            _row(name, _at(version, common, changes), version, renamed, every) for version in every
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise EngineDataError(f"{where}: {fault!r}") from fault
    return tuple(rows)


def pick_version(
    rows: tuple[EngineVersion, ...], wanted: str | None
) -> tuple[EngineVersion | None, bool]:
    """The row for a version, and whether it is that version's own.

    Without a wish the newest that is no release candidate; between two rows the older, because
    options come and go with releases and the last known ones are the best guess; None below the
    oldest.
    """
    if wanted is None:
        return next((row for row in rows if "rc" not in row.version), rows[0]), True
    for row in rows:
        if row.version == wanted:
            return row, True
    for row in rows:
        if order(row.version) <= order(wanted):
            return replace(row, version=wanted), False
    return None, False


def _at(
    version: str, common: Mapping[str, Any], changes: list[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The common row with every change up to that version laid over it."""
    row = dict(common)
    for change in changes:
        if order(change["version"]) <= order(version):
            row |= change
    return row


def _row(
    engine: str,
    row: Mapping[str, Any],
    version: str,
    renamed: Mapping[str, str],
    every: Mapping[str, VersionOptions],
) -> EngineVersion:
    own = every[version]
    return EngineVersion(
        engine=engine,
        version=version,
        date=own.date,
        source=own.source,
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
        flags=own.options,
        words=row.get("words", {}),
        renamed=renamed,
        every=every,
        no_image=row.get("no_image"),
    )
