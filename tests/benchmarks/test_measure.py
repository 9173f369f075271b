"""The benchmarks measure what they say: right commands, right arithmetic, failures not hidden."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measure import (
    MIB,
    CannotMeasure,
    Command,
    Sample,
    clean_environment,
    compile_bytecode,
    ratio,
    rounds,
    run_once,
    table,
)
from benchmarks.startup import ROOT, commands, planner_words


def python(name: str, code: str, **more: object) -> Command:
    return Command(name, (sys.executable, "-I", "-S", "-c", code), **more)  # type: ignore[arg-type]


def test_a_run_is_timed_and_its_memory_read() -> None:
    small = run_once(python("small", "pass"))
    # the kernel counts a child's peak from its parent's, so it takes more than any test run has
    large = run_once(python("large", f"x = b'1' * {1024 * MIB}"))
    assert small.seconds > 0
    assert large.peak_bytes > 1024 * MIB
    assert large.peak_bytes > small.peak_bytes


def test_a_command_that_fails_is_no_figure() -> None:
    with pytest.raises(CannotMeasure, match="broken ended with 7"):
        run_once(python("broken", "raise SystemExit(7)"))
    assert run_once(python("meant", "raise SystemExit(7)", codes=(7,))).seconds > 0


def test_rounds_alternate_and_do_not_count_the_warm_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    write = f"open({str(log)!r}, 'a').write"
    both = [python("a", f"{write}('a')"), python("b", f"{write}('b')")]
    done = rounds(both, 2, warm=1)
    assert log.read_text() == "ababab"
    assert [len(row) for row in done] == [2, 2]


def test_the_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # one slow round, as on a shared machine, moves neither
    done = [
        [Sample(2, 0), Sample(1, 0)],
        [Sample(40, 0), Sample(16, 0)],
        [Sample(1.8, 0), Sample(1, 0)],
    ]
    assert ratio(done, 0, 1) == 2
    assert ratio(done, 1, 0) == 0.5


def test_the_table_has_a_line_for_each_command_and_the_highest_peak() -> None:
    two = [Command("one", ("x",)), Command("other", ("y",))]
    done = [[Sample(0.1, MIB), Sample(0.2, MIB)], [Sample(0.3, 3 * MIB), Sample(0.2, MIB)]]
    head, one, other = table(two, done).splitlines()
    assert head.split() == ["min", "median", "max", "peak"]
    assert one.split() == ["one", "100.0", "200.0", "300.0", "3.0", "MiB"]
    assert other.split() == ["other", "200.0", "200.0", "200.0", "1.0", "MiB"]


def test_both_sides_may_use_compiled_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for command in commands(sys.executable, Path("x.yaml")):
        assert command.environment is not None
        assert "PYTHONDONTWRITEBYTECODE" not in command.environment
    assert clean_environment(FARM="1")["FARM"] == "1"


def test_the_console_script_is_taken_where_it_is_installed(tmp_path: Path) -> None:
    interpreter = tmp_path / "python"
    assert planner_words(str(interpreter)) == (str(interpreter), "-m", "planner.cli.main")
    (tmp_path / "planner").touch()
    assert planner_words(str(interpreter)) == (str(tmp_path / "planner"),)


def test_the_measured_command_does_its_work() -> None:
    measured, _ = commands(sys.executable, ROOT / "blueprints" / "homelab.yaml")
    assert run_once(measured).seconds > 0
    wrong, _ = commands(sys.executable, ROOT / "blueprints" / "no-such-file.yaml")
    with pytest.raises(CannotMeasure, match="ended with 3"):
        run_once(wrong)


def test_an_interpreter_without_the_libraries_is_said() -> None:
    with pytest.raises(CannotMeasure, match="no_such_library"):
        compile_bytecode(sys.executable, "no_such_library")
