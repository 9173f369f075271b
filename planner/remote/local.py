"""The road to this machine: the same commands, run here."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from typing import BinaryIO

from planner.errors import HostUnreachable, PlannerError
from planner.remote.transport import (
    ConnectionLost,
    HttpAnswer,
    HttpRequest,
    LineSink,
    Progress,
    Result,
    put_command,
)

_CHUNK = 1 << 20


class LocalTransport:
    """Runs commands on this machine, through sudo when the user is not root."""

    def __init__(self) -> None:
        self._prefix = [] if os.geteuid() == 0 else ["sudo", "-n", "--"]

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        seconds: float = 60,
        on_line: LineSink | None = None,
    ) -> Result:
        """Run a command as root; see Transport.run."""
        process = self._start(argv)
        # a reader thread a stream: neither pipe may fill up while the other is read
        err: list[bytes] = []
        reader = threading.Thread(target=lambda: err.append(process.stderr.read()), daemon=True)  # type: ignore[union-attr]
        feeder = threading.Thread(target=_feed, args=(process, stdin), daemon=True)
        overdue = threading.Timer(seconds, process.kill)
        for thread in (reader, feeder, overdue):
            thread.start()
        assert process.stdout is not None
        out = []
        for line in process.stdout:
            out.append(line)
            if on_line is not None:
                on_line(line.decode(errors="replace").rstrip("\n"))
        status = process.wait()
        late = overdue.finished.is_set()
        overdue.cancel()
        reader.join()
        feeder.join()
        process.stdout.close()
        if late:
            raise ConnectionLost(
                "a command on this machine did not finish in time", where="local", cause=argv[0]
            )
        result = Result(
            status, b"".join(out).decode(errors="replace"), b"".join(err).decode(errors="replace")
        )
        if self._prefix and not result.ok and result.stderr.startswith("sudo:"):
            raise HostUnreachable(
                "sudo asks for a password on this machine",
                where="local",
                cause=result.stderr.strip(),
                advice="run planner as root, or allow sudo without a password",
            )
        return result

    def put(self, source: BinaryIO, path: str, *, offset: int = 0, progress: Progress) -> None:
        """Append what is left of ``source`` to ``path``; see Transport.put."""
        source.seek(offset)
        process = self._start(put_command(path, offset))
        assert process.stdin is not None
        assert process.stderr is not None
        sent = offset
        try:
            with process.stdin:
                while chunk := source.read(_CHUNK):
                    process.stdin.write(chunk)
                    sent += len(chunk)
                    progress(sent)
        except BrokenPipeError:
            pass  # it stopped reading: its exit status tells why
        with process:
            cause = process.stderr.read().decode(errors="replace").strip()
        if process.returncode != 0:
            raise PlannerError(f"{path} cannot be written", where="local", cause=cause)

    def http(self, request: HttpRequest, *, seconds: float = 10) -> HttpAnswer | None:
        """Ask an HTTP server of this machine; None when nothing answers."""
        from planner.remote.http import ask

        try:
            link = socket.create_connection((request.address, request.port), timeout=seconds)
        except OSError:
            return None
        return ask(link, request)

    def close(self) -> None:
        """Nothing is held open."""

    def _start(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen([*self._prefix, *argv], stdin=pipe, stdout=pipe, stderr=pipe)


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Write a command's input; it may end without reading everything."""
    assert process.stdin is not None
    try:
        with process.stdin:
            process.stdin.write(data)
    except BrokenPipeError:
        pass
