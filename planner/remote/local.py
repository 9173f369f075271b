"""The road to this machine: the same commands, run here."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, BinaryIO

from planner.errors import HostUnreachable, PlannerError
from planner.remote.hold import Hold
from planner.remote.transport import (
    HELD,
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
        self._running: subprocess.Popen[bytes] | None = None

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        seconds: float = 60,
        on_line: LineSink | None = None,
    ) -> Result:
        """Run a command as root; see Transport.run."""
        # files for input and errors: only one pipe is left to read, so none can fill up unread
        with TemporaryFile() as given, TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            status, out = self._read(argv, given, err, seconds, on_line)
            err.seek(0)
            result = Result(status, out, err.read().decode(errors="replace"))
        if self._prefix and not result.ok and result.stderr.startswith("sudo:"):
            raise HostUnreachable(
                "sudo asks for a password on this machine",
                where="local",
                cause=result.stderr.strip(),
                advice="run planner as root, or allow sudo without a password",
            )
        return result

    def _read(
        self,
        argv: Sequence[str],
        given: IO[bytes],
        err: IO[bytes],
        seconds: float,
        on_line: LineSink | None,
    ) -> tuple[int, str]:
        """Run to the end, or to the deadline; exit status and standard output."""
        late = threading.Event()
        command = [*self._prefix, *argv]
        with subprocess.Popen(
            command, stdin=given, stdout=subprocess.PIPE, stderr=err, start_new_session=True
        ) as process:
            self._running = process

            def end() -> None:
                late.set()
                os.killpg(process.pid, signal.SIGKILL)

            overdue = threading.Timer(seconds, end)
            overdue.start()
            lines = []
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if on_line is not None:
                    on_line(line.decode(errors="replace").rstrip("\n"))
            overdue.cancel()
        if late.is_set():
            raise ConnectionLost(
                "a command on this machine did not finish in time", where="local", cause=argv[0]
            )
        return process.returncode, b"".join(lines).decode(errors="replace")

    def put(self, source: BinaryIO, path: str, *, offset: int = 0, progress: Progress) -> None:
        """Append what is left of ``source`` to ``path``; see Transport.put."""
        source.seek(offset)
        command = [*self._prefix, *put_command(path, offset)]
        sent = offset
        with (
            TemporaryFile() as err,
            subprocess.Popen(command, stdin=subprocess.PIPE, stderr=err) as process,
        ):
            assert process.stdin is not None
            try:
                with process.stdin:
                    while chunk := source.read(_CHUNK):
                        process.stdin.write(chunk)
                        sent += len(chunk)
                        progress(sent)
            except BrokenPipeError:
                pass  # it stopped reading: its exit status tells why
            if process.wait() != 0:
                err.seek(0)
                cause = err.read().decode(errors="replace").strip()
                raise PlannerError(f"{path} cannot be written", where="local", cause=cause)

    def http(self, request: HttpRequest, *, seconds: float = 10) -> HttpAnswer | None:
        """Ask an HTTP server of this machine; None when nothing answers."""
        from planner.remote.http import ask

        try:
            link = socket.create_connection((request.address, request.port), timeout=seconds)
        except OSError:
            return None
        with link:
            return ask(link, request)

    def hold(self, argv: Sequence[str], *, seconds: float = 20) -> Hold | Result:
        """Run a command that lives on; see Transport.hold."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [*self._prefix, *argv], stdin=pipe, stdout=pipe, start_new_session=True
        )
        overdue = threading.Timer(seconds, process.kill)
        overdue.start()
        assert process.stdout is not None
        line = process.stdout.readline()
        overdue.cancel()
        if line.strip() == HELD:
            return Hold(_Process(process))
        rest, _ = process.communicate()
        return Result(process.returncode, (line + rest).decode(errors="replace"))

    def close(self) -> None:
        """End the command under way."""
        running = self._running
        if running is not None and running.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


class _Process:
    """A command of this machine that is held on to."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def end_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        if self._process.stdout is not None:
            self._process.stdout.close()
        return True
