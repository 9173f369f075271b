"""The record: growing, atomic, never trusted blindly."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.apply.record import Record, read_record, record_path, updated, write_record
from planner.apply.result import ApplyResult, HostResult
from planner.diff.values import Plan
from planner.errors import PlannerError, RecordUnusable

PLAN = Plan("demo", (), releases={"one": "r1", "two": "r2"}, seen={"one": "f1", "two": "f2"})
NOON = "2026-01-01T12:00:00+00:00"


def results(**errors: PlannerError) -> ApplyResult:
    return ApplyResult(
        {
            name: HostResult(name, done=("x",), errors=(errors[name],) if name in errors else ())
            for name in PLAN.releases
        }
    )


def test_only_hosts_that_came_through_are_recorded() -> None:
    record = updated(Record("demo"), PLAN, results(two=PlannerError("broken")), NOON)
    assert {name: host.release for name, host in record.hosts.items()} == {"one": "r1"}
    assert (record.serial, record.when) == (1, NOON)


def test_a_cleared_host_is_forgotten() -> None:
    record = updated(Record("demo"), PLAN, results(), NOON)
    cleared = Plan("demo", (), releases={"one": None, "two": "r2"})
    after = updated(record, cleared, results(), "later")
    assert set(after.hosts) == {"two"}
    assert after.serial == 2


def test_nothing_done_writes_nothing_new() -> None:
    record = updated(Record("demo"), PLAN, results(), NOON)
    idle = ApplyResult({name: HostResult(name) for name in PLAN.releases})
    assert updated(record, PLAN, idle, "later") is record


def test_a_record_survives_the_disk(tmp_path: Path) -> None:
    path = record_path(tmp_path / "farm.yaml", "demo")
    assert read_record(path, "demo") == Record("demo")
    record = updated(Record("demo"), PLAN, results(), NOON)
    write_record(path, record)
    write_record(path, record)
    assert read_record(path, "demo") == record
    assert sorted(p.name for p in path.parent.iterdir()) == [".gitignore", "demo.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": 9}', '{"schema": 1, "project": "other"}', "\0"]
)
def test_a_record_that_cannot_be_read_is_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "demo.json"
    path.write_text(text)
    with pytest.raises(RecordUnusable) as caught:
        read_record(path, "demo")
    assert caught.value.exit_code == 6
    assert caught.value.where == str(path)
    assert caught.value.advice


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.mkdir()
    with pytest.raises(RecordUnusable):
        read_record(path, "demo")
    with pytest.raises(RecordUnusable):
        write_record(path, Record("demo"))
