"""The record: growing, atomic, never trusted blindly."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from planner.apply.record import (
    Applied,
    Record,
    RecordBroken,
    caught_up,
    change_record,
    previous_path,
    read_record,
    record_path,
    updated,
    write_record,
)
from planner.apply.result import ApplyResult, HostResult
from planner.diff.values import Observed, Plan
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
    names = [".gitignore", "demo.json", "demo.previous.json"]
    assert sorted(p.name for p in path.parent.iterdir()) == names


OTHERS = [
    {"schema": 9, "project": "demo"},
    {"schema": 1, "project": "other"},
]


@pytest.mark.parametrize("data", OTHERS, ids=["newer", "other"])
def test_a_record_of_something_else_is_left_alone(tmp_path: Path, data: object) -> None:
    path = tmp_path / "demo.json"
    path.write_text(json.dumps(data))
    for use in (lambda: read_record(path, "demo"), lambda: change_record(path, "demo", grown)):
        with pytest.raises(RecordUnusable) as caught:
            use()
        assert caught.value.exit_code == 6
        assert caught.value.where == str(path)
        assert caught.value.advice
    assert json.loads(path.read_text()) == data


def grown(record: Record) -> Record:
    return replace(record, serial=record.serial + 1, when="now")


DAMAGE = ["", "{", "[]", "{}", "\0", '{"schema": 1}', '{"schema": 1, "project": "demo"}']


@pytest.mark.parametrize("text", DAMAGE)
def test_a_damaged_record_is_made_anew_from_the_copy_before(tmp_path: Path, text: str) -> None:
    path = tmp_path / "demo.json"
    for _ in range(3):
        change_record(path, "demo", grown)
    path.write_text(text)
    with pytest.raises(RecordBroken):
        read_record(path, "demo")
    after, broken = change_record(path, "demo", grown)
    assert isinstance(broken, RecordBroken)
    assert after.serial == 3  # two in the copy before, and this change
    assert read_record(path, "demo") == after
    assert read_record(previous_path(path), "demo").serial == 2


def test_a_record_that_bytes_were_lost_of_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    change_record(path, "demo", grown)
    whole = path.read_bytes()
    for length in range(len(whole) - 1):  # the last byte is only a line's end
        path.write_bytes(whole[:length])
        with pytest.raises(RecordBroken):
            read_record(path, "demo")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RecordBroken):
        read_record(path, "demo")


def test_an_older_record_that_was_put_back_does_not_turn_the_serial_back(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    change_record(path, "demo", grown)
    old = path.read_text()
    for _ in range(3):
        change_record(path, "demo", grown)
    path.write_text(old)
    after, _ = change_record(path, "demo", lambda record: record)
    assert read_record(path, "demo") == after
    assert after.serial >= 3  # the copy before had it
    path.write_text(old)
    after, _ = change_record(path, "demo", grown)
    assert after.serial == 4


def test_one_of_which_only_the_copy_before_is_left_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    for _ in range(2):
        change_record(path, "demo", grown)
    path.unlink()
    after, _ = change_record(path, "demo", lambda record: record)
    assert read_record(path, "demo") == after
    assert after.serial == 1


class Killed(BaseException):
    """The end of a process, in the midst of a write."""


@pytest.mark.parametrize("last", range(6))
def test_a_write_that_was_cut_off_leaves_nothing_for_long(
    tmp_path: Path, last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record_path(tmp_path / "farm.yaml", "demo")

    def grown(record: Record) -> Record:
        return replace(record, serial=record.serial + 1)

    change_record(path, "demo", grown)
    left = iter(range(last))

    def cut(call: Callable[..., object]) -> Callable[..., object]:
        def may_end(*args: object) -> object:
            if next(left, None) is None:
                raise Killed
            return call(*args)

        return may_end

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", cut(os.fsync))
        patch.setattr(os, "link", cut(os.link))
        patch.setattr(Path, "replace", cut(Path.replace))
        with contextlib.suppress(Killed):
            change_record(path, "demo", grown)
    change_record(path, "demo", lambda record: record)
    names = {".gitignore", path.name, previous_path(path).name}
    assert {item.name for item in path.parent.iterdir()} <= names
    change_record(path, "demo", grown)
    assert {item.name for item in path.parent.iterdir()} == names
    assert read_record(path, "demo").serial == read_record(previous_path(path), "demo").serial + 1


def test_a_lost_record_is_filled_from_the_hosts() -> None:
    seen = {
        "one": Observed("one", release="r1"),
        "two": Observed("two"),
        "three": PlannerError("silent"),
    }
    known = Record("demo", 5, "", {n: Applied("old", "") for n in ("two", "three")})
    assert set(caught_up(Record("demo"), seen, NOON).hosts) == {"one"}
    after = caught_up(known, seen, NOON)
    assert {name: host.release for name, host in after.hosts.items()} == {
        "one": "r1",
        "three": "old",
    }
    assert after.serial == 6
    assert caught_up(after, seen, "later") is after


def test_runs_at_once_lose_no_change(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(change_record, path, "demo", grown) for _ in range(40)]
    for future in futures:
        future.result()
    assert read_record(path, "demo").serial == 40


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.mkdir()
    with pytest.raises(RecordUnusable):
        read_record(path, "demo")
    with pytest.raises(RecordUnusable):
        write_record(path, Record("demo"))
