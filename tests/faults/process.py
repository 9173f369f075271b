"""The real command line, which kills itself at one point of its way.

    python -m tests.faults.process [--kill-at N] [--meet FOLDER] -- WORDS...

Points are the moments before and after every command on a host, every transfer, every rename and
every write to the record's disk; how many there were is said at the end. Two processes with one
``--meet`` wait for each other once both have planned, before either asks for a lock.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from planner.apply import ready
from planner.cli.main import leave, run
from planner.remote.ssh import SshTransport
from planner.render import render


class Points:
    """Counts the points of a run; at one of them the run ends as by ``kill -9``."""

    def __init__(self, kill_at: int | None) -> None:
        self.count = 0
        self._kill_at = kill_at
        self._lock = threading.Lock()

    def passed(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def between(*args: Any, **options: Any) -> Any:
            self.passed()
            result = call(*args, **options)
            self.passed()
            return result

        return between


def meeting(folder: Path, hold: Callable[..., Any]) -> Callable[..., Any]:
    """``hold``, once somebody else has come as far."""

    def together(*args: Any, **options: Any) -> Any:
        (folder / str(os.getpid())).touch()
        deadline = time.monotonic() + 60
        while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.002)
        return hold(*args, **options)

    return together


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kill-at", type=int)
    parser.add_argument("--meet", type=Path)
    parser.add_argument("words", nargs="+")
    chosen = parser.parse_args()
    points = Points(chosen.kill_at)
    for name in ("run", "put", "hold"):
        setattr(SshTransport, name, points.around(getattr(SshTransport, name)))
    if chosen.meet is not None:
        SshTransport.hold = meeting(chosen.meet, SshTransport.hold)  # type: ignore[method-assign]
    Path.replace = points.around(Path.replace)  # type: ignore[method-assign]
    os.fsync = points.around(os.fsync)
    os.link = points.around(os.link)
    ready.HEALTHY_SECONDS = float(os.environ.get("PLANNER_HEALTHY", "1"))  # type: ignore[misc]
    patience = os.environ.get("PLANNER_PATIENCE")
    if patience is not None:
        render.deadline_seconds = lambda _: int(patience)  # type: ignore[assignment]
    code = run(chosen.words)
    print(f"points {points.count}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    leave(main())
