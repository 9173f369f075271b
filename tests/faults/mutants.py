"""Validates broken blueprints by the thousand and says which of them went wrong.

    python -m tests.faults.mutants 100000 [--from N] [--jobs 2]

In each process the real command line runs, one blueprint after the other. After each one its exit
code, what it printed, its time, the process's largest memory so far, and what it asked the system
for are looked at: an audit hook, which Python code cannot get around, notes every connection, every
name that is looked up, and every program that is started.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.mutations import mutant, seeds_once

SECONDS: Final = 2.0
MEMORY: Final = 256 << 20
BATCH: Final = 250
_FORBIDDEN: Final = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
                     "socket.gethostbyname", "socket.bind", "subprocess.Popen", "os.system",
                     "os.exec", "os.posix_spawn", "os.fork", "os.forkpty")  # fmt: skip
# Nothing but text and line breaks may reach a terminal, whatever a blueprint holds.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass
class Report:
    """What a batch came to; ``wrong`` says number and reason of each failure."""

    cases: int = 0
    valid: int = 0
    seconds: float = 0.0
    memory: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take another batch's in."""
        self.cases += other.cases
        self.valid += other.valid
        self.seconds = max(self.seconds, other.seconds)
        self.memory = max(self.memory, other.memory)
        self.wrong += other.wrong


_asked: list[str] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in _FORBIDDEN:
        _asked.append(event)


def guard() -> None:
    """Note from now on what this process asks the system for."""
    sys.addaudithook(_watch)


def run_batch(numbers: range) -> Report:
    """Validate these in this process."""
    from planner.cli.main import run

    report = Report()
    texts = seeds_once()
    tempfile.tempdir = None
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        path = Path(folder) / "blueprint.yaml"
        for number in numbers:
            path.write_bytes(mutant(number, texts))
            out, err = io.StringIO(), io.StringIO()
            _asked.clear()
            begun = time.process_time()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run(["validate", str(path)])
            seconds = time.process_time() - begun
            report.cases += 1
            report.valid += code == 0
            report.seconds = max(report.seconds, seconds)
            memory = _peak()
            report.memory = max(report.memory, memory)
            wrong = _wrong(code, out.getvalue() + err.getvalue(), seconds, memory)
            report.wrong += [f"{number}: {why}" for why in wrong]
            if memory > MEMORY:
                break  # the process keeps that mark: what follows could not be told apart
    return report


def _peak() -> int:
    """The most bytes that this program held. Not getrusage's, which counts what the process that
    started it held before."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) << 10


def _wrong(code: int, said: str, seconds: float, memory: int) -> Iterator[str]:
    if code not in (0, 3):
        yield f"exit code {code}: {said[-600:]}"
    if "Traceback" in said or "a fault of planner's own" in said:
        yield "a traceback"
    if seconds > SECONDS:
        yield f"took {seconds:.1f} s"
    if memory > MEMORY:
        yield f"took {memory >> 20} MiB"
    if found := _CONTROL.search(said):
        yield f"printed {found[0]!r}"
    if _asked:
        yield f"asked for {', '.join(_asked)}"
    if code == 3 and "error" not in said:
        yield "was refused without a reason"


def main() -> int:
    """Run as many as were asked for; exit code 1 when one went wrong."""
    parser = argparse.ArgumentParser(description="validate broken blueprints")
    parser.add_argument("count", type=int)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    last = asked.first + asked.count
    batches = [range(n, min(n + BATCH, last)) for n in range(asked.first, last, BATCH)]
    total, begun = Report(), time.monotonic()
    context = multiprocessing.get_context("spawn")
    # a fresh process now and then, so that one's memory is not that of a thousand before it
    with context.Pool(asked.jobs, initializer=guard, maxtasksperchild=8) as pool:
        for done in pool.imap_unordered(run_batch, batches):
            total.add(done)
            for line in done.wrong:
                print(line, flush=True)
            if total.cases % 5000 < BATCH:
                print(f"{total.cases} of {asked.count} in {time.monotonic() - begun:.0f} s",
                      flush=True)  # fmt: skip
    print(
        f"{total.cases} blueprints, {total.valid} of them valid, {len(total.wrong)} went wrong; at "
        f"most {total.seconds:.2f} s of processor time and {total.memory >> 20} MiB"
    )
    return 1 if total.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
