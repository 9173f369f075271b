"""Opens an authenticated SSH session: dial, key exchange, trust, login; without a retry."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from planner.errors import HostUnreachable
from planner.remote.known_hosts import HostKey
from planner.remote.line import Line, keep_asking
from planner.remote.paramiko_import import import_paramiko
from planner.remote.ssh_config import Login
from planner.remote.trust import check_host_key, trusted_keys

if TYPE_CHECKING:
    import paramiko

CONNECT_SECONDS: Final = 10.0
LOGIN_SECONDS: Final = 15.0
SILENCE_SECONDS: Final = 20  # a peer that acknowledges nothing for so long is gone

# Authenticated ciphers first: they need no second pass for a checksum.
_CIPHERS: Final = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)


def dial(login: Login) -> socket.socket:
    """A TCP connection to the host. Raises HostUnreachable."""
    try:
        # an address in bytes spares the codec of international names, which is slow to import
        host = login.host.encode() if login.host.isascii() else login.host
        peer = (cast(str, host), login.port)
        link = socket.create_connection(peer, timeout=CONNECT_SECONDS)
    except OSError as problem:
        raise HostUnreachable(
            f"{login.host} cannot be reached on port {login.port}",
            where=login.host,
            cause=_reason(problem),
            advice=f"check that it is on and listens: ssh {_target(login)}",
        ) from problem
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)
    return link


def open_session(login: Login, link: socket.socket | paramiko.Channel) -> paramiko.Transport:
    """An authenticated session over ``link``.

    Raises TrustRefused for an unknown or changed host key, HostUnreachable for everything else.
    """
    import_paramiko()
    import paramiko

    keys = trusted_keys(login)
    session: paramiko.Transport | None = None
    try:
        session = paramiko.Transport(cast(socket.socket, Line(link)))
        _prefer(session, keys)
        session.banner_timeout = session.auth_timeout = LOGIN_SECONDS
        session.start_client(timeout=LOGIN_SECONDS)
        if not session.initial_kex_done:
            raise paramiko.SSHException("no answer during the key exchange")
        shown = session.get_remote_server_key()
        check_host_key(login, keys, shown.get_name(), shown.asbytes())
        _authenticate(session, login)
    except (paramiko.SSHException, OSError, EOFError) as problem:
        close_session(session)
        link.close()
        raise HostUnreachable(
            f"no SSH session with {login.host}",
            where=login.host,
            cause=_reason(problem),
            advice=f"see what ssh says: ssh -v {_target(login)} true",
        ) from problem
    except BaseException:
        close_session(session)
        link.close()
        raise
    keep_asking(session)
    return session


def silent_seconds(session: paramiko.Transport) -> float:
    """How long the peer of a session has said nothing, though it was asked to."""
    line = session.sock
    return line.silent_seconds if isinstance(line, Line) else 0.0


def close_session(session: paramiko.Transport | None) -> None:
    """End a session at once: its reader thread is woken, not waited for."""
    if session is None:
        return
    line = session.sock
    link = line.link if isinstance(line, Line) else line
    if isinstance(link, socket.socket):
        with contextlib.suppress(OSError):  # already gone
            link.shutdown(socket.SHUT_RDWR)
    session.close()


def _prefer(session: paramiko.Transport, keys: Sequence[HostKey]) -> None:
    """Ask first for the kinds of host key that are known, and for fast ciphers."""
    options = session.get_security_options()
    known: set[str] = set()
    for key in keys:
        known |= {"rsa-sha2-512", "rsa-sha2-256"} if key.kind == "ssh-rsa" else {key.kind}
    kinds = tuple(options.key_types)
    options.key_types = sorted(kinds, key=lambda kind: kind not in known)
    options.ciphers = [cipher for cipher in _CIPHERS if cipher in options.ciphers]


def _authenticate(session: paramiko.Transport, login: Login) -> None:
    """Offer the keys one by one. Raises HostUnreachable when none is accepted."""
    import paramiko

    skipped: list[str] = []
    tried: list[str] = []
    offered: set[bytes] = set()
    for name, key in _candidates(login, skipped):
        blob = key.asbytes()
        if blob in offered:
            continue
        offered.add(blob)
        tried.append(name)
        try:
            session.auth_publickey(login.user, key)
        except paramiko.AuthenticationException:
            if not session.is_active():
                break  # the host counts attempts
            continue
        if session.is_authenticated():
            return
    public = next((path for path in login.identities if path.exists()), Path("KEY"))
    raise HostUnreachable(
        f"{login.host} refused the login of {login.user}",
        where=login.host,
        cause="; ".join([f"tried {', '.join(tried)}" if tried else "no usable key", *skipped]),
        advice=f"put your public key there: ssh-copy-id -i {public} {_target(login)}",
    )


def _candidates(login: Login, skipped: list[str]) -> Iterator[tuple[str, paramiko.PKey]]:
    """Keys to try, each with its name; what cannot be used is noted in ``skipped``."""
    files = _from_files(login, skipped)
    if login.explicit:
        yield from files
    if login.agent:
        yield from _from_agent(skipped)
    if not login.explicit:
        yield from files


def _from_files(login: Login, skipped: list[str]) -> Iterator[tuple[str, paramiko.PKey]]:
    import paramiko

    for path in login.identities:
        try:
            yield str(path), paramiko.PKey.from_path(path)
        except FileNotFoundError:
            if login.explicit:
                skipped.append(f"{path} does not exist")
        except TypeError:
            # how the cryptography package says that a passphrase is needed
            skipped.append(f"{path} needs a passphrase (ssh-add {path})")
        except (OSError, ValueError, paramiko.SSHException) as problem:
            skipped.append(f"{path} cannot be read ({_reason(problem)})")
        except paramiko.pkey.UnknownKeyType:
            skipped.append(f"{path} is of a kind that is not supported")


def _from_agent(skipped: list[str]) -> Iterator[tuple[str, paramiko.PKey]]:
    import paramiko

    try:
        agent = paramiko.Agent()
    except (OSError, paramiko.SSHException) as problem:
        skipped.append(f"the SSH agent does not answer ({_reason(problem)})")
        return
    try:
        for key in agent.get_keys():
            yield f"{key.get_name()} of the agent", key
    finally:
        agent.close()


def _target(login: Login) -> str:
    """The host, as ssh and its kin take it."""
    return f"-p {login.port} {login.user}@{login.host}"


def _reason(problem: BaseException) -> str:
    """An exception in a few words."""
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    if isinstance(problem, EOFError):
        return "the host closed the connection"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem).strip() or type(problem).__name__
