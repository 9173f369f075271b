"""Runs commands in turn and says what they took: wall time, and the peak memory of the process.

Commands are compared round by round, A B A B, and never all of A before all of B: a machine that is
shared or warms up drifts within a minute, and a ratio taken inside one round does not see that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

MIB: Final = 1 << 20


class CannotMeasure(Exception):
    """A command did not run as it should; its figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing to measure. ``codes`` are the exit codes with which it did what it should."""

    name: str
    words: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    codes: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: wall seconds from start to exit, and the largest resident set in bytes.

    The kernel counts a new process from what its parent held, so that no peak reads below the
    benchmark's own.
    """

    seconds: float
    peak_bytes: int


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what would keep Python from using its bytecode."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **more}


def compile_bytecode(python: str, *packages: str) -> None:
    """Compile packages of an interpreter, as an installer does. Folders not writable are left."""
    find = "import importlib.util as u,sys\nfor n in sys.argv[1:]: print(u.find_spec(n).origin)"
    done = subprocess.run(
        [python, "-c", find, *packages], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotMeasure(f"{python} cannot import {', '.join(packages)}")
    folders = [os.path.dirname(line) for line in done.stdout.split()]
    subprocess.run(
        [python, "-m", "compileall", "-q", *folders],
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        check=False,
    )


def run_once(command: Command) -> Sample:
    """Run to the end with output thrown away. Raises CannotMeasure on another exit code."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command.words,
        env=dict(command.environment or clean_environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.codes:
        raise CannotMeasure(f"{command.name} ended with {process.returncode}: run it by hand")
    scale = 1 if sys.platform == "darwin" else 1024
    return Sample(seconds, usage.ru_maxrss * scale)


def rounds(commands: Sequence[Command], count: int, warm: int = 1) -> list[list[Sample]]:
    """``count`` rounds after ``warm`` that do not count; in each, every command once, in order."""
    for _ in range(warm):
        for command in commands:
            run_once(command)
    return [[run_once(command) for command in commands] for _ in range(count)]


def ratio(done: Sequence[Sequence[Sample]], first: int, second: int) -> float:
    """The median over the rounds of how often ``second`` fits into ``first``'s wall time."""
    return median(row[first].seconds / row[second].seconds for row in done)


def table(commands: Sequence[Command], done: Sequence[Sequence[Sample]]) -> str:
    """Fastest, median and slowest run in milliseconds, and the highest memory, one line each."""
    width = max(len(command.name) for command in commands)
    lines = [f"{'':{width}}  {'min':>8} {'median':>8} {'max':>8} {'peak':>10}"]
    for index, command in enumerate(commands):
        times = sorted(row[index].seconds * 1000 for row in done)
        peak = max(row[index].peak_bytes for row in done) / MIB
        shown = " ".join(f"{value:8.1f}" for value in (times[0], median(times), times[-1]))
        lines.append(f"{command.name:{width}}  {shown} {peak:6.1f} MiB")
    return "\n".join(lines)
