"""Which process is meant: a number alone may have passed on to a stranger."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process, told apart from a later one with the same number by when it started."""

    pid: int
    started: int  # clock ticks since the machine started

    @classmethod
    def find(cls, pid: int) -> Process | None:
        """The process that has this number now; None when there is none."""
        fields = _stat(pid)
        return None if fields is None or fields[0] == "Z" else cls(pid, int(fields[19]))

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.find(self.pid) == self

    def command(self) -> str:
        """Its command line for a message, or `?`."""
        try:
            words = Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return "?"
        return b" ".join(words).decode(errors="replace").strip()[:100]

    def signal(self, number: int) -> None:
        """Send a signal to this very process; nothing happens when it has ended."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # The handle pins the process, so after this check it cannot become another one.
            if self.alive():
                _send(handle, number)
        finally:
            os.close(handle)

    def is_self_or_ancestor(self) -> bool:
        """Whether the caller is this process or descends from it."""
        pid = os.getpid()
        while pid > 1:
            if pid == self.pid:
                return self.alive()
            fields = _stat(pid)
            pid = int(fields[1]) if fields else 0
        return False


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on; the name before may hold spaces and brackets."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _send(handle: int, number: int) -> None:
    import signal

    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return
