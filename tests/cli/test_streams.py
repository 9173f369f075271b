"""Standard streams: answers alone on one, everything else on the other, and readers that leave."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from planner import workflows
from planner.cli.options import write_json
from tests.cli.conftest import HOME, Planner, process

SIZES = ["validate", "size", "cost estimate"]


@pytest.mark.parametrize("verb", SIZES)
def test_json_stands_alone_on_standard_output(planner: Planner, home: Path, verb: str) -> None:
    answer = planner(*verb.split(), str(home), "--format", "json")
    assert answer.code == 0
    assert isinstance(json.loads(answer.out), dict)


def test_json_of_an_invalid_blueprint_is_json_too(planner: Planner, home: Path) -> None:
    home.write_text(HOME + "rolls: {}\n")
    answer = planner("validate", str(home), "--format", "json")
    found = json.loads(answer.out)
    assert (answer.code, found["valid"]) == (3, False)
    first = found["diagnostics"][0]
    assert (first["path"], first["line"], first["advice"]) == ("rolls", 7, "did you mean roles?")


def test_json_of_what_does_not_fit_is_json_too(planner: Planner, home: Path) -> None:
    home.write_text(HOME.replace("quant: fp8", "quant: fp32"))
    answer = planner("size", str(home), "--format", "json")
    assert (answer.code, json.loads(answer.out)["fits"]) == (3, False)


def test_findings_go_to_standard_error(planner: Planner, home: Path) -> None:
    answer = planner("size", str(home))
    assert "note:" in answer.err
    assert "note:" not in answer.out


def test_nothing_is_coloured_where_nobody_looks(planner: Planner, home: Path) -> None:
    answer = planner("size", str(home))
    assert "\x1b" not in answer.out + answer.err


class Terminal:
    """A terminal on which a process writes."""

    def __init__(self, columns: int = 80) -> None:
        import fcntl
        import struct
        import termios

        self.ours, self.theirs = os.openpty()
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, size)

    def run(self, *words: str, **environment: str) -> str:
        """Everything that `planner WORDS...` shows on it."""
        bare = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        env = {**bare, "TERM": "xterm", "COLUMNS": "", **environment}
        done = process(*words, stdout=self.theirs, stderr=self.theirs, env=env)
        os.close(self.theirs)
        shown = b""
        while True:
            try:
                shown += os.read(self.ours, 65536)
            except OSError as end:
                if end.errno != errno.EIO:  # how Linux says that the other side is closed
                    raise
                break
        os.close(self.ours)
        done.wait(timeout=30)
        return shown.decode()


def test_a_terminal_gets_colours(home: Path) -> None:
    assert "\x1b[" in Terminal().run("size", str(home))


@pytest.mark.parametrize("quiet", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_no_colours_where_they_are_not_wanted(home: Path, quiet: dict[str, str]) -> None:
    assert "\x1b" not in Terminal().run("size", str(home), **quiet)


@pytest.mark.parametrize("words", [["schema"], ["fit", "--help"], ["size", "home.yaml"]], ids=str)
def test_a_reader_that_leaves_is_no_failure(home: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = process(*words, stdout=writing, cwd=home.parent)
    os.close(writing)
    _, said = done.communicate(timeout=30)
    assert "note:" in said or not said, said
    assert done.returncode == 0


def test_a_failure_keeps_its_code_when_nobody_reads_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = process("validate", "missing.yaml", stdout=writing, stderr=writing, cwd=tmp_path)
    os.close(writing)
    assert done.wait(timeout=30) == 3


def test_a_broken_pipe_that_is_not_ours_is_a_fault(
    planner: Planner, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 0 would say that all is done."""

    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(workflows, "validate", broken)
    assert planner("validate", str(home)).code == 1


@pytest.mark.parametrize("words", [["schema"], ["validate", "home.yaml"]], ids=str)
def test_a_full_disk_is_said(home: Path, words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = process(*words, stdout=full, cwd=home.parent)
        _, said = done.communicate(timeout=30)
    assert "No space left on device" in said
    assert "fault" not in said
    assert done.returncode == 2


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-"])
def test_closed_streams_are_no_fault(home: Path, stream: str) -> None:
    script = f'exec "$@" {stream}'
    planner = [sys.executable, "-m", "planner.cli.main", "size", "home.yaml"]
    done = subprocess.run(
        ["bash", "-c", script, "bash", *planner],
        cwd=home.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "fault" in done.stderr + done.stdout) == (0, False)


def test_interrupted_before_anything_was_done(
    planner: Planner, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflows, "validate", interrupted)
    answer = planner("size", str(home))
    assert (answer.code, answer.err) == (130, "planner: interrupted\n")


def test_ctrl_c_ends_a_process_that_waits(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = process("validate", str(fifo))
    writing = _once_somebody_reads(fifo)
    out, said = _interrupted(done)
    os.close(writing)
    assert (done.returncode, out, said) == (130, "", "planner: interrupted\n")


def test_ctrl_c_does_not_wait_for_anything_to_be_torn_down(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = (
        "import atexit, sys; from planner.cli.main import main\n"
        "atexit.register(print, 'torn down'); main(sys.argv[1:])"
    )
    words = [sys.executable, "-c", script, "validate", str(fifo)]
    pipe = subprocess.PIPE
    done = subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True)
    writing = _once_somebody_reads(fifo)
    out, said = _interrupted(done)
    os.close(writing)
    assert (done.returncode, out, said) == (130, "", "planner: interrupted\n")


def _once_somebody_reads(fifo: Path, within: float = 20) -> int:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as nobody:
            if nobody.errno != errno.ENXIO:
                raise
            time.sleep(0.01)
    raise AssertionError(f"nobody opened {fifo} within {within:g} s")


def _interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says after Ctrl-C. One that comes just before a system call begins wakes nobody."""
    for _ in range(20):
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("it does not end")


def test_json_of_what_a_host_says_does_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = {"cause": "a\x9b31m\u202eb\x7f\U000e0001\x1b]0;c\x07 – ü"}
    write_json(said)
    text = capsys.readouterr().out
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "– ü" in text
    assert json.loads(text) == said
