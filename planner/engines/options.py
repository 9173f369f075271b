"""The options of each version of an engine, as ``scripts/engine_options.py`` read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_NUMBER: Final = re.compile(r"\d+")


class EngineDataError(Exception):
    """A shipped row is malformed: a fault of planner's own."""


class VersionOptions(NamedTuple):
    """What one version understands, when that was published or read, and where."""

    version: str
    date: str
    source: str
    options: frozenset[str]


def parse_options(text: str, where: str) -> dict[str, VersionOptions]:
    """The versions of a file, newest first. Raises EngineDataError on a bad row."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    found: dict[str, VersionOptions] = {}
    options: frozenset[str] = frozenset()
    try:
        for row in data["versions"]:
            if not found:
                options = frozenset(row["options"].split())
            beyond, lacks = row.get("beyond", "").split(), row.get("lacks", "").split()
            options = options.union(beyond).difference(lacks)
            version = row["version"]
            found[version] = VersionOptions(version, str(row["date"]), row["source"], options)
    except (KeyError, TypeError, AttributeError) as fault:
        raise EngineDataError(f"{where}: {fault!r}") from fault
    return found


def order(version: str) -> tuple[int, ...]:
    """A version as numbers that can be compared; ``0.8.5.post1`` comes after ``0.8.5``."""
    return tuple(int(part) for part in _NUMBER.findall(version))


def versions_with(found: Mapping[str, VersionOptions], option: str) -> str:
    """The versions that know an option, as ``0.9.2 to 0.12.0``; empty when none does.

    Runs of neighbouring versions are put together, oldest first.
    """
    runs: list[list[str]] = []
    last = False
    for version in sorted(found, key=order):
        known = option in found[version].options
        if known and last:
            runs[-1].append(version)
        elif known:
            runs.append([version])
        last = known
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else run[0] for run in runs)
