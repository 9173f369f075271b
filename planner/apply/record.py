"""The record: what planner remembers between runs, in ``.planner/`` beside the blueprint.

It is a memory, never an authority: whatever a host can be asked is asked. The copy before the last
change is kept; one that is damaged, lost or older than the hosts is filled from them again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from planner.apply.result import ApplyResult
from planner.diff.values import Observed, Plan
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


def caught_up(record: Record, seen: Mapping[str, object], when: str) -> Record:
    """The record with what hosts say is current there, where it says something else.

    A host that could not be asked keeps what is known of it.
    """
    hosts = dict(record.hosts)
    for name, item in seen.items():
        if not isinstance(item, Observed):
            continue
        known = hosts.get(name)
        if item.release is None:
            hosts.pop(name, None)
        elif known is None or known.release != item.release:
            hosts[name] = Applied(item.release, when, item.fingerprint)
    if hosts == record.hosts:
        return record
    return replace(record, serial=record.serial + 1, when=when, hosts=hosts)


class RecordBroken(RecordUnusable):
    """The record's content is damaged: what it said is lost, and nothing else."""


def previous_path(path: Path) -> Path:
    """Where the record from before the last change lies."""
    return path.with_name(f"{path.stem}.previous.json")


def read_record(path: Path, project: str) -> Record:
    """The record at ``path``; an empty one when there is none yet.

    Raises RecordBroken when it is damaged, RecordUnusable when it cannot be read or is not one
    that this planner may change.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Record(project)
    except OSError as problem:
        raise _unusable(path, problem.strerror or str(problem)) from problem
    except ValueError as problem:
        raise _broken(path, problem) from problem
    try:
        data = json.loads(text)
        schema, named = data["schema"], data["project"]
    except (ValueError, KeyError, TypeError) as problem:
        raise _broken(path, problem) from problem
    if schema != SCHEMA:
        raise _unusable(path, f"its schema is {schema}, this planner knows {SCHEMA}")
    if named != project:
        raise _unusable(path, f"it is about project {named}, not {project}")
    try:
        return _from_json(data)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise _broken(path, problem) from problem


def recover_record(path: Path, project: str) -> tuple[Record, RecordBroken | None]:
    """The record, and what was wrong with it: the copy before is taken in place of a damaged one,
    and in place of an older one that somebody has put back.

    Raises RecordUnusable when neither may be changed.
    """
    broken = None
    record = Record(project)
    try:
        record = read_record(path, project)
    except RecordBroken as problem:
        broken = problem
    before = Record(project)
    with suppress(RecordUnusable):
        before = read_record(previous_path(path), project)
    return (before if before.serial > record.serial else record), broken


def change_record(
    path: Path, project: str, change: Callable[[Record], Record]
) -> tuple[Record, RecordBroken | None]:
    """Change the record as one step, also when several runs do so at once; the record after it.

    One that is damaged is made anew from the copy before, and said. Raises RecordUnusable.
    """
    with _alone(path):
        before, broken = recover_record(path, project)
        after = change(before)
        if broken is not None:
            after = replace(after, serial=max(after.serial, before.serial + 1))
            write_record(path, after, keep=False)
        elif after != (current := read_record(path, project)):
            # an older one that was put back does not push the better copy out
            write_record(path, after, keep=current == before)
    return after, broken


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Only one process changes records of a folder at a time. Raises RecordUnusable."""
    try:
        path.parent.mkdir(exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as problem:
        raise _unwritable(path, problem) from problem
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        # what a killed run has left; where it stays, the next write tells what is wrong
        for left in (_written_to(path), _linked(path)):
            with suppress(OSError):
                left.unlink(missing_ok=True)
        yield
    finally:
        os.close(folder)


def write_record(path: Path, record: Record, *, keep: bool = True) -> None:
    """Write the record so that a crash leaves the old or the new one, whole.

    ``keep`` makes the old one the previous copy. Raises RecordUnusable when the disk refuses it.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        # what lies in this folder is about one machine's runs, not part of the blueprint
        ignore = path.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
        temporary = _written_to(path)
        with temporary.open("w") as file:
            json.dump(_to_json(record), file, indent=2, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        if keep and path.exists():
            _keep(path)
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as problem:
        raise _unwritable(path, problem) from problem


def _keep(path: Path) -> None:
    """Make the record's file the previous copy too; its content is on the disk already."""
    previous, link = previous_path(path), _linked(path)
    if previous.exists() and previous.samefile(path):
        return  # a rename would leave both names
    os.link(path, link)
    link.replace(previous)


def _written_to(path: Path) -> Path:
    return path.with_suffix(".tmp")


def _linked(path: Path) -> Path:
    return path.with_suffix(".link")


def _broken(path: Path, problem: Exception) -> RecordBroken:
    return RecordBroken(
        "the record is damaged",
        where=str(path),
        cause=str(problem) or type(problem).__name__,
        advice="nothing is lost: an apply, plan or status fills it from the hosts again",
    )


def _unusable(path: Path, cause: str) -> RecordUnusable:
    return RecordUnusable(
        "the record cannot be used",
        where=str(path),
        cause=cause,
        advice=f"the hosts know better: move it away (mv {path} {path}.other) and run again",
    )


def _unwritable(path: Path, problem: OSError) -> RecordUnusable:
    return RecordUnusable(
        "the record cannot be written",
        where=str(path),
        cause=problem.strerror,
        advice="free some space there, or make the folder writable; then run the same command "
        "again: what the hosts have is kept",
    )


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


def _from_json(data: Mapping[str, Any]) -> Record:
    hosts = {name: Applied(**row) for name, row in data["hosts"].items()}
    measured = {key: learned_from_json(row) for key, row in data.get("measured", {}).items()}
    return Record(data["project"], int(data["serial"]), str(data["when"]), hosts, measured)
