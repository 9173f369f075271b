"""Versions of programs beside the engines, such as the gateway's, as dated data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.engines.options import EngineDataError, order
from planner.units import MIB


@dataclass(frozen=True, slots=True)
class ServiceVersion:
    """One version of a program.

    ``program`` starts it in a root folder archive, ``image_program`` in the registry image
    ``image``. ``port`` is what it listens on in a container, ``health`` the path that tells
    whether it answers, ``ram_bytes`` what it is held to.
    """

    name: str
    version: str
    program: tuple[str, ...]
    image_program: tuple[str, ...]
    image: str
    port: int
    health: str
    start_seconds: int
    ram_bytes: int
    processes: int


@dataclass(frozen=True, slots=True)
class ServiceVersions:
    """The newest known version, the oldest, and those that must not run, with the reason."""

    newest: str
    oldest: str
    refused: Mapping[str, str]
    row: Mapping[str, Any]

    def pick(self, wanted: str | None) -> ServiceVersion | None:
        """The version that is wanted, the newest known without a wish; None below the oldest."""
        version = wanted or self.newest
        if order(version) < order(self.oldest):
            return None
        row = self.row
        return ServiceVersion(
            name=row["name"],
            version=version,
            program=tuple(row["program"]),
            image_program=tuple(row["image_program"]),
            image=row["image"].format(version=version),
            port=int(row["port"]),
            health=row["health"],
            start_seconds=int(row["start_seconds"]),
            ram_bytes=int(row["ram_mib"]) * MIB,
            processes=int(row["processes"]),
        )


def parse_service(text: str, where: str) -> ServiceVersions:
    """A program's file. Raises EngineDataError when it is malformed."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    row = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    try:
        known = sorted((one["version"] for one in row["versions"]), key=order)
        found = ServiceVersions(known[-1], known[0], row["refused"], row)
        found.pick(None)
    except (KeyError, TypeError, ValueError, IndexError) as fault:
        raise EngineDataError(f"{where}: {fault!r}") from fault
    return found
