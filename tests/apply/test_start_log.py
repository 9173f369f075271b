"""The script that reads logs, run by sh; and which measurements the record keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.apply.record import Record, read_record, record_path, write_record
from planner.apply.remembered import MOST, remembering
from planner.apply.start_log import LINES, Asked, parse_logs, start_log
from planner.render.bundle import Runtime
from planner.sizing.measured import Learned, Measured, Share
from tests.apply.test_scripts import Sandbox

CHAT = Asked("chat-0", Runtime.COMPOSE, "llama.cpp")
QUIET = Asked("quiet-0", Runtime.SYSTEMD, "llama.cpp")
LINE = "load_tensors: CPU model buffer size = 1.00 MiB"
NOON = "2026-01-01T12:00:00+00:00"
SEEN = Learned("box", NOON, Measured(host=Share(100, 200)))


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    (tmp_path / "tools").mkdir()
    return Sandbox(tmp_path)


def test_logs_are_read_since_the_run_before_ended(sandbox: Sandbox) -> None:
    """Docker notes the start after the program's first words."""
    sandbox.tool(
        "docker",
        f"""case "$1" in
ps) echo 0123abc ;;
inspect) [ "$3" = '{{{{.State.FinishedAt}}}}' ] && echo 2026-01-01T10:00:00Z ;;
logs) [ "$2 $3" = '--since 2026-01-01T10:00:00Z' ] && echo '{LINE}' && echo '@log quiet-0' >&2 ;;
esac""",
    )
    sandbox.tool("systemctl", "echo f00d")
    sandbox.tool(
        "journalctl",
        f"""case "$1" in _SYSTEMD_INVOCATION_ID=f00d) echo 'secret words'; echo '{LINE}' ;; esac""",
    )
    answer = sandbox.do(start_log(sandbox.layout, [CHAT, QUIET]))
    assert parse_logs(answer) == {"chat-0": LINE, "quiet-0": LINE}


def test_the_first_run_is_read_from_its_first_word(sandbox: Sandbox) -> None:
    sandbox.tool(
        "docker",
        f"""case "$1" in
ps) echo 0123abc ;;
inspect) echo 0001-01-01T00:00:00Z ;;
logs) [ $# = 2 ] && echo '{LINE}' ;;
esac""",
    )
    assert parse_logs(sandbox.do(start_log(sandbox.layout, [CHAT]))) == {"chat-0": LINE}


def test_a_log_without_end_is_read_from_its_start_only(sandbox: Sandbox) -> None:
    sandbox.tool("systemctl", "echo f00d")
    sandbox.tool("journalctl", f"case $1 in --sync) exit ;; esac; exec yes '{LINE}' 2>/dev/null")
    answer = sandbox.do(start_log(sandbox.layout, [QUIET]))
    assert parse_logs(answer)["quiet-0"].count("\n") == LINES - 1


def test_what_does_not_run_has_no_log(sandbox: Sandbox) -> None:
    sandbox.tool("docker", "exit 1")
    sandbox.tool("systemctl", "exit 1")
    answer = sandbox.do(start_log(sandbox.layout, [CHAT, QUIET]))
    assert parse_logs(answer) == {"chat-0": "", "quiet-0": ""}


def test_a_workload_cannot_speak_for_another() -> None:
    text = "@log chat-0\n @log quiet-0\n said by chat\n@log quiet-0\n@end\n"
    assert parse_logs(text) == {"chat-0": "@log quiet-0\nsaid by chat", "quiet-0": ""}


def test_the_same_figures_again_are_nothing_new() -> None:
    record = remembering(Record("demo"), {"a": SEEN}, NOON)
    assert record.serial == 1
    assert remembering(record, {"a": replace(SEEN, when="later")}, "later") is record
    assert remembering(record, {}, "later") is record


def test_a_poorer_log_does_not_replace_a_fuller_one() -> None:
    record = remembering(Record("demo"), {"a": SEEN}, NOON)
    poorer = Learned("box", "later", Measured(host=Share(100)))
    assert remembering(record, {"a": poorer}, "later") is record
    other = Learned("box", "later", Measured(host=Share(100, 300)))
    assert remembering(record, {"a": other}, "later").measured == {"a": other}


def test_the_oldest_measurements_are_forgotten() -> None:
    many = {f"{i:04}": replace(SEEN, when=f"{i:04}") for i in range(MOST + 5)}
    kept = remembering(Record("demo"), many, NOON).measured
    assert (len(kept), "0004" in kept, "0005" in kept) == (MOST, False, True)


def test_measurements_survive_the_disk(tmp_path: Path) -> None:
    path = record_path(tmp_path / "farm.yaml", "demo")
    record = remembering(Record("demo"), {"a": SEEN}, NOON)
    write_record(path, record)
    assert read_record(path, "demo") == record
    path.write_text(path.read_text().replace('"measured": {', '"new": {', 1))
    assert read_record(path, "demo").measured == {}  # as written before planner measured
