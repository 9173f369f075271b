"""The release's own description, read back by planner from the host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Final

from planner.engines.api.values import Setting
from planner.render.bundle import (
    Artifact,
    ArtifactKind,
    File,
    Memory,
    Probe,
    Runtime,
    ServedAdapter,
    Workload,
)
from planner.secret import SecretUse

FILE: Final = "manifest.json"
SCHEMA: Final = 2
_LATER: Final = frozenset(
    {
        "devices",
        "memory_share",
        "secrets",
        "engine",
        "settings",
        "adapters",
        "hot",
        "key",
        "memory",
        "gateway",
    }
)
_FILES: Final = (ArtifactKind.WEIGHTS, ArtifactKind.ADAPTER)
_FETCHED: Final = (ArtifactKind.HUB_FILES, ArtifactKind.REGISTRY_IMAGE)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release on a host runs, the artifacts that must lie beside it, and as in HostBundle
    what may serve beside its workloads, and the room for that."""

    workloads: tuple[Workload, ...]
    artifacts: tuple[Artifact, ...]
    surges: tuple[Workload, ...] = ()
    room: Memory = ()


def render_manifest(
    project: str,
    host: str,
    files: tuple[File, ...],
    workloads: tuple[Workload, ...],
    artifacts: tuple[Artifact, ...],
    surges: tuple[Workload, ...] = (),
    room: Memory = (),
) -> File:
    """``manifest.json`` over the release's other files."""
    document = {
        "schema": SCHEMA,
        "project": project,
        "host": host,
        "files": {file.path: file.sha256 for file in sorted(files, key=lambda f: f.path)},
        "workloads": [_written(workload) for workload in workloads],
        "artifacts": sorted(map(_row, artifacts), key=_order),
        **({"surges": [_written(workload) for workload in surges]} if surges else {}),
        **({"room": dict(room)} if room else {}),
    }
    return File(FILE, json.dumps(document, indent=2) + "\n")


def read_manifest(text: str) -> Manifest:
    """What ``render_manifest`` wrote. Raises ValueError for anything else."""
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']}, not {SCHEMA}")
        return Manifest(
            tuple(read_workload(row) for row in document["workloads"]),
            tuple(
                Artifact(
                    ArtifactKind(row["kind"]),
                    row["key"],
                    row["name"],
                    row.get("bytes"),
                    folder=row.get("folder", ""),
                )
                for row in document["artifacts"]
            ),
            tuple(read_workload(row) for row in document.get("surges", ())),
            tuple(document.get("room", {}).items()),
        )
    except (KeyError, TypeError, AttributeError) as fault:
        raise ValueError(f"it is no manifest of a release: {fault}") from fault


def _order(row: Mapping[str, Any]) -> tuple[str, ...]:
    return row["kind"], row["key"], row["name"], row.get("folder", "")


def _row(artifact: Artifact) -> dict[str, Any]:
    # where a file lay on the machine that pushed it is nobody's business on the host
    fetched = artifact.kind in _FETCHED
    name = artifact.source if fetched else PurePath(artifact.source).name
    row = {"kind": artifact.kind.value, "key": artifact.key, "name": name}
    folder = {"folder": artifact.folder} if artifact.folder else {}
    sized = artifact.kind in _FILES and artifact.bytes is not None
    return {**row, **folder, **({"bytes": artifact.bytes} if sized else {})}


def _written(workload: Workload) -> dict[str, Any]:
    # what a workload has not is left out: its release keeps its name
    return {
        key: value
        for key, value in asdict(workload).items()
        if key not in _LATER or value not in ((), None, "", False)
    }


def read_workload(row: Mapping[str, Any]) -> Workload:
    """A workload from its fields as data, as ``dataclasses.asdict`` gives them.

    Raises KeyError, TypeError or ValueError for anything else.
    """
    fields = {**row, "runtime": Runtime(row["runtime"]), "artifacts": tuple(row["artifacts"])}
    fields["devices"] = tuple(row.get("devices", ()))
    fields["secrets"] = tuple(SecretUse(**use) for use in row.get("secrets", ()))
    if row["probe"] is not None:
        fields["probe"] = Probe(**row["probe"])
    fields["settings"] = tuple(Setting(**item) for item in row.get("settings", ()))
    fields["adapters"] = tuple(ServedAdapter(**item) for item in row.get("adapters", ()))
    fields["memory"] = tuple(map(tuple, row.get("memory", ())))
    fields["renamed"] = tuple(map(tuple, row.get("renamed", ())))
    return Workload(**fields)
