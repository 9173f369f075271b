"""Waits for the end of the farm's owner, however it comes, and then clears the farm.

`python -m tests.farm.reaper PID STARTED FARM_DIR`, in a session of its own, holding the farm's lock
through an inherited descriptor. A termination signal means: do not wait, clear now.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from tests.farm import clearing
from tests.farm.commands import FarmError
from tests.farm.layout import PROJECT_ROOT, REAPER_LOG, Layout
from tests.farm.processes import Process

_READY = "ready\n"


def spawn(owner: Process, layout: Layout, lock: int) -> subprocess.Popen[str]:
    """Start a reaper that keeps `lock` open; returns when it is watching the owner."""
    words = [str(owner.pid), str(owner.started), str(layout.folder)]
    with REAPER_LOG.open("a") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.farm.reaper", *words],
            env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            pass_fds=(lock,),
            start_new_session=True,
        )
    assert child.stdout is not None
    with child.stdout:
        if child.stdout.readline() != _READY:
            child.kill()
            child.wait()
            raise FarmError(f"the farm's reaper did not start; see {REAPER_LOG}")
    return child


def main(pid: str, started: str, folder: str) -> None:
    """Wait, then clear."""
    wake, poke = os.pipe()
    os.set_blocking(poke, False)
    signal.set_wakeup_fd(poke)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    _tell_ready()
    _wait_for(Process(int(pid), int(started)), wake)
    clearing.clear(Layout(Path(folder)))


def _tell_ready() -> None:
    """Answer `spawn`, and leave its pipe: nobody reads it from now on."""
    os.write(1, _READY.encode())
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _wait_for(owner: Process, wake: int) -> None:
    """Return when the owner has ended or a signal came."""
    try:
        handle = os.pidfd_open(owner.pid)
    except ProcessLookupError:
        return
    if owner.alive():
        select.select([handle, wake], [], [])


if __name__ == "__main__":
    main(*sys.argv[1:])
