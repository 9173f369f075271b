"""The record: what planner remembers between runs, in ``.planner/`` beside the blueprint.

It is a memory, never an authority: whatever a host can be asked is asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from planner.apply.result import ApplyResult
from planner.diff.values import Plan
from planner.errors import RecordUnusable
from planner.sizing.measured import Learned, learned_from_json, learned_to_json

FOLDER = ".planner"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Applied:
    """The last apply that a host came through: its release, and when (ISO 8601, UTC)."""

    release: str | None
    when: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One project's record; ``serial`` grows with every change.

    ``measured`` is what engines were seen to take, by the digest of the settings they ran with.
    """

    project: str
    serial: int = 0
    when: str = ""
    hosts: dict[str, Applied] = field(default_factory=dict)
    measured: dict[str, Learned] = field(default_factory=dict)


def record_path(blueprint: Path, project: str) -> Path:
    """Where the record of a blueprint's project lies."""
    return blueprint.parent / FOLDER / f"{project}.json"


def updated(record: Record, plan: Plan, result: ApplyResult, when: str) -> Record:
    """The record after an apply: hosts that came through have their new release."""
    hosts = dict(record.hosts)
    for name, outcome in result.hosts.items():
        if not outcome.ok or name not in plan.releases:
            continue
        release = plan.releases[name]
        if release is None:
            hosts.pop(name, None)
        elif outcome.done or name not in hosts or hosts[name].release != release:
            hosts[name] = Applied(release, when, plan.seen.get(name, ""))
    if hosts == record.hosts:
        return record
    return replace(record, serial=record.serial + 1, when=when, hosts=hosts)


def read_record(path: Path, project: str) -> Record:
    """The record at ``path``; an empty one when there is none yet.

    Raises RecordUnusable when it is there and cannot be read.
    """
    try:
        return _from_json(json.loads(path.read_text()), project)
    except FileNotFoundError:
        return Record(project)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RecordUnusable(
            "the record cannot be read",
            where=str(path),
            cause=str(problem) or type(problem).__name__,
            advice=f"the hosts know better: move it away (mv {path} {path}.broken) and run again",
        ) from problem


def write_record(path: Path, record: Record) -> None:
    """Write the record so that a crash leaves the old or the new one, whole.

    Raises RecordUnusable when the disk refuses it.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        # what lies in this folder is about one machine's runs, not part of the blueprint
        ignore = path.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("w") as file:
            json.dump(_to_json(record), file, indent=2, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as problem:
        raise RecordUnusable(
            "the record cannot be written", where=str(path), cause=problem.strerror
        ) from problem


def _to_json(record: Record) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "project": record.project,
        "serial": record.serial,
        "when": record.when,
        "hosts": {
            name: {
                "release": host.release,
                "when": host.when,
                "fingerprint": host.fingerprint,
            }
            for name, host in record.hosts.items()
        },
        "measured": {digest: learned_to_json(item) for digest, item in record.measured.items()},
    }


def _from_json(data: Mapping[str, Any], project: str) -> Record:
    if data["schema"] != SCHEMA:
        raise ValueError(f"its schema is {data['schema']}, this planner knows {SCHEMA}")
    if data["project"] != project:
        raise ValueError(f"it is about project {data['project']}, not {project}")
    hosts = {name: Applied(**row) for name, row in data["hosts"].items()}
    measured = {key: learned_from_json(row) for key, row in data.get("measured", {}).items()}
    return Record(data["project"], int(data["serial"]), str(data["when"]), hosts, measured)
