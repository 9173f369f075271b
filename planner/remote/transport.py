"""What every road to a host can do, and the values that travel on it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from planner.errors import PlannerError
from planner.secret import SecretValue

Progress = Callable[[int], None]
"""Called with the bytes sent so far, counted from the start of the file."""

LineSink = Callable[[str], None]
"""Called with each line a command prints while it runs."""


HELD: Final = b"held"
"""The first line of a command that lives on and wants to be held on to."""


class ConnectionLost(PlannerError):
    """The connection broke, or a deadline passed, while the host was at work."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left: its exit status and what it printed."""

    exit: int
    stdout: str = ""
    stderr: str = ""

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.exit == 0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer; ``body`` holds at most its first MiB."""

    status: int
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to ``address``:``port`` as seen from the host; with a body it is a JSON POST.

    ``key`` is what the server asks its clients for.
    """

    port: int
    path: str
    address: str = "127.0.0.1"
    body: str | None = None
    key: SecretValue | None = None

    @property
    def method(self) -> str:
        """GET, or POST when there is a body."""
        return "GET" if self.body is None else "POST"


class Holding(Protocol):
    """A command that runs on the host until it is released, or until the host hears nothing."""

    @property
    def lost(self) -> bool:
        """Whether the command has ended by itself."""

    def release(self, seconds: float = 10) -> bool:
        """Let the command end, and wait for that; whether it has ended."""


class Transport(Protocol):
    """A connection to one host. Commands run there as root, in the order they are given."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        seconds: float = 60,
        on_line: LineSink | None = None,
    ) -> Result:
        """Run a command. Raises ConnectionLost when the link breaks or ``seconds`` pass."""

    def put(self, source: BinaryIO, path: str, *, offset: int = 0, progress: Progress) -> None:
        """Write what ``source`` holds from ``offset`` on at the end of the file at ``path``.

        With offset 0 the file is made anew. Raises PlannerError when the host refuses it.
        """

    def http(self, request: HttpRequest, *, seconds: float = 10) -> HttpAnswer | None:
        """Ask an HTTP server of the host's; None when nothing answers."""

    def hold(self, argv: Sequence[str], *, seconds: float = 20) -> Holding | Result:
        """Run a command that lives on after its first line; what it left when it ended instead.

        Raises ConnectionLost when the link breaks or nothing is said within ``seconds``.
        """

    def close(self) -> None:
        """End the connection. Does nothing the second time."""


def command_line(argv: Sequence[str], *, root: bool, helper: bool = False) -> str:
    """The one place where a command becomes a line for a shell.

    Without ``root`` the command goes through sudo, which must not ask for a password; with
    ``helper`` through the one program that sudo allows.
    """
    if root:
        return shlex.join(argv)
    return shlex.join(["sudo", "-n", "--", *([HELPER] if helper else []), *argv])


HELPER = "/usr/local/sbin/planner-host"
PUT_SCRIPT = (
    'set -eu; umask 077; for place in "${1%/*}" "$1"; do '
    'if [ -L "$place" ]; then echo "$place is a link" >&2; exit 73; fi; done; '
    'if [ "$2" = 0 ]; then exec cat >"$1"; else exec cat >>"$1"; fi'
)


def put_command(path: str, offset: int) -> list[str]:
    """The command that stores its standard input at ``path``, whose folder must exist."""
    return ["sh", "-c", PUT_SCRIPT, "sh", path, str(offset)]
