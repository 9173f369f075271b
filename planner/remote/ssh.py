"""The road over SSH: one session a host, one channel a command."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from planner.errors import HostUnreachable, PlannerError
from planner.remote.address import HostAddress
from planner.remote.hold import Hold
from planner.remote.line import SILENT_SECONDS
from planner.remote.login import close_session, dial, open_session, silent_seconds
from planner.remote.ssh_config import Login, read_ssh_config, resolve_login
from planner.remote.streams import Text, drain
from planner.remote.transport import (
    HELD,
    ConnectionLost,
    HttpAnswer,
    HttpRequest,
    LineSink,
    Progress,
    Result,
    command_line,
    put_command,
)

if TYPE_CHECKING:
    import paramiko

STALL_SECONDS: Final = 20.0  # a transfer that moves nothing for so long has failed
_CHUNK: Final = 1 << 18
_POLL_SECONDS: Final = 0.5
_PROHIBITED: Final = 1  # SSH's code for a channel the server's configuration forbids


def connect(address: HostAddress) -> SshTransport:
    """Log in to ``address``. Raises HostUnreachable, TrustRefused or UsageError."""
    home = Path.home()
    config = read_ssh_config(home / ".ssh/config")
    logins = _way(address, config, home)
    sessions: list[paramiko.Transport] = []
    try:
        for login in logins:
            sessions.append(_through(sessions[-1], login) if sessions else _direct(login))
    except BaseException:
        for session in reversed(sessions):
            close_session(session)
        raise
    return SshTransport(logins[-1], sessions, helper=address.helper)


def _way(address: HostAddress, config: paramiko.SSHConfig | None, home: Path) -> list[Login]:
    """The logins from this machine to ``address``, jump hosts first."""
    logins: list[Login] = []
    here: HostAddress | None = address
    while here is not None:
        if len(logins) > 8:
            raise HostUnreachable(
                f"the jump hosts of {address.host} lead in a circle", where=address.host
            )
        login = resolve_login(here, config, os.environ, home)
        logins.insert(0, login)
        here = login.jump
    return logins


def _direct(login: Login) -> paramiko.Transport:
    return open_session(login, dial(login))


def _through(session: paramiko.Transport, login: Login) -> paramiko.Transport:
    """A session with ``login``'s host through an open one."""
    import paramiko

    try:
        channel = session.open_channel("direct-tcpip", (login.host, login.port), ("127.0.0.1", 0))
    except (paramiko.SSHException, OSError) as problem:
        raise HostUnreachable(
            f"{login.host} cannot be reached through its jump host",
            where=login.host,
            cause=str(problem),
        ) from problem
    return open_session(login, channel)


class SshTransport:
    """An SSH session with one host. Not to be shared between threads."""

    def __init__(
        self, login: Login, sessions: list[paramiko.Transport], *, helper: bool = False
    ) -> None:
        self._login = login
        self._helper = helper
        self._sessions = sessions
        self._session = sessions[-1]

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        seconds: float = 60,
        on_line: LineSink | None = None,
    ) -> Result:
        """Run a command as root; see Transport.run."""
        deadline = time.monotonic() + seconds
        channel = self._start(argv, seconds)
        try:
            if stdin:
                channel.sendall(stdin)
            channel.shutdown_write()
        except (OSError, EOFError):
            pass  # it ended without reading everything: its exit status tells why
        return self._finish(channel, deadline, on_line)

    def put(self, source: BinaryIO, path: str, *, offset: int = 0, progress: Progress) -> None:
        """Append what is left of ``source`` to ``path``; see Transport.put."""
        source.seek(offset)
        channel = self._start(put_command(path, offset), STALL_SECONDS)
        channel.settimeout(STALL_SECONDS)
        sent = offset
        try:
            while chunk := source.read(_CHUNK):
                channel.sendall(chunk)
                sent += len(chunk)
                progress(sent)
            channel.shutdown_write()
        except TimeoutError as problem:
            self.close()  # nobody waits for it a second time
            raise self._lost(f"the transfer moved nothing for {STALL_SECONDS:.0f} s") from problem
        except (OSError, EOFError):
            pass  # the host stopped reading, or is gone: its exit status, or none, tells why
        except BaseException:
            channel.close()  # the caller gives up: the host keeps what it has
            raise
        result = self._finish(channel, time.monotonic() + 300, None)
        if not result.ok:
            raise PlannerError(
                f"{path} cannot be written", where=self._login.host, cause=result.stderr.strip()
            )

    def http(self, request: HttpRequest, *, seconds: float = 10) -> HttpAnswer | None:
        """Ask an HTTP server through the session, so that the host needs no tool for it."""
        import paramiko

        from planner.remote.http import ask

        try:
            channel = self._session.open_channel(
                "direct-tcpip",
                (request.address, request.port),
                ("127.0.0.1", 0),
                timeout=min(seconds, self._patience()),
            )
        except paramiko.ChannelException as problem:
            if problem.code == _PROHIBITED:
                raise PlannerError(
                    "the host's sshd forbids forwarding, so its ports cannot be asked",
                    where=self._login.host,
                    advice="allow it for this user in /etc/ssh/sshd_config: AllowTcpForwarding yes",
                ) from problem
            return None
        except (paramiko.SSHException, OSError, EOFError) as problem:
            if not self._session.is_active():
                raise self._broken() from problem
            return None
        channel.settimeout(seconds)
        try:
            return ask(channel, request)
        finally:
            channel.close()

    def hold(self, argv: Sequence[str], *, seconds: float = 20) -> Hold | Result:
        """Run a command that lives on; see Transport.hold."""
        deadline = time.monotonic() + seconds
        channel = self._start(argv, seconds)
        channel.settimeout(seconds)
        line = b""
        try:
            while not line.endswith(b"\n") and (byte := channel.recv(1)):
                line += byte
        except TimeoutError as problem:
            channel.close()
            raise self._lost("a command said nothing in time") from problem
        if line.strip() == HELD:
            return Hold(_HeldChannel(channel))
        rest = self._finish(channel, deadline, None)
        return Result(rest.exit, line.decode(errors="replace") + rest.stdout, rest.stderr)

    def close(self) -> None:
        """End the session and those of its jump hosts."""
        for session in reversed(self._sessions):
            close_session(session)

    def _start(self, argv: Sequence[str], seconds: float) -> paramiko.Channel:
        """A channel on which the command has begun."""
        import paramiko

        line = command_line(argv, root=self._login.user == "root", helper=self._helper)
        try:
            channel = self._session.open_session(timeout=min(seconds, self._patience()))
            channel.settimeout(seconds)
            channel.exec_command(line)
        except (paramiko.SSHException, OSError, EOFError) as problem:
            raise self._lost("a command could not be started") from problem
        return channel

    def _finish(
        self, channel: paramiko.Channel, deadline: float, on_line: LineSink | None
    ) -> Result:
        """Read everything the command prints, and its exit status."""
        out, err = Text(on_line), Text(None)
        channel.settimeout(_POLL_SECONDS)
        try:
            drain(channel, out, err, deadline, self._hear)
            if not channel.status_event.wait(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
        except TimeoutError as problem:
            raise self._lost("a command did not finish in time") from problem
        finally:
            channel.close()
        status = channel.exit_status
        if status == -1 and not self._session.is_active():
            raise self._broken()
        result = Result(status, out.end(), err.end())
        self._check_sudo(result)
        return result

    def _patience(self) -> float:
        """How long an answer may take until the host counts as silent."""
        return max(1.0, SILENT_SECONDS + 1 - silent_seconds(self._session))

    def _hear(self) -> None:
        """Raises ConnectionLost when the host has said nothing for too long."""
        silence = silent_seconds(self._session)
        if silence > SILENT_SECONDS:
            self.close()  # nobody waits for it a second time
            raise self._lost(f"the host has said nothing for {silence:.0f} s")

    def _check_sudo(self, result: Result) -> None:
        """Raises HostUnreachable when sudo refused to run the command at all."""
        refusals = ("a password is required", "a terminal is required", "not in the sudoers",
                    "not allowed to execute", "command not found")  # fmt: skip
        if self._login.user == "root" or result.ok or not result.stderr.startswith("sudo:"):
            return
        if any(words in result.stderr for words in refusals):
            user = self._login.user
            raise HostUnreachable(
                f"{user} may not run sudo without a password on {self._login.host}",
                where=self._login.host,
                cause=result.stderr.strip(),
                advice=f"let it run planner's scripts and nothing else: planner hosts sudoers "
                f"--user {user} | ssh root@{self._login.host} sh; then write helper: true beside "
                "its address",
            )

    def _broken(self) -> ConnectionLost:
        why = str(self._session.get_exception() or "")  # nothing where the host just closed it
        return self._lost(f"the connection broke ({why})" if why else "the connection broke")

    def _lost(self, cause: str) -> ConnectionLost:
        return ConnectionLost(
            f"the connection to {self._login.host} failed",
            where=self._login.host,
            cause=cause,
            advice="run the same command again: it goes on where it stopped",
        )


class _HeldChannel:
    """A channel whose command is held on to."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def send(self, data: bytes) -> None:
        self._channel.sendall(data)

    def end_input(self) -> None:
        self._channel.shutdown_write()

    def wait(self, seconds: float) -> bool:
        ended = self._channel.status_event.wait(seconds) or self._channel.closed
        if ended:
            self._channel.close()
        return ended
