"""Where a host is and how to log in there: a value, no connection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LOCAL: Final = "local"
_USER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?")


@dataclass(frozen=True, slots=True)
class HostAddress:
    """How to reach one host.

    ``host`` is a DNS name, an IP address, an alias of ``~/.ssh/config``, or ``local`` for this
    machine. What is None comes from that file, or from SSH's own defaults. ``identity`` is a
    private key's path, ``known_hosts`` a file of trusted host keys, ``jump`` a host to go through
    (``user@host:port``). ``helper`` says that the user may run planner-host alone as root.
    """

    host: str
    user: str | None = None
    port: int | None = None
    identity: str | None = None
    known_hosts: str | None = None
    jump: str | None = None
    helper: bool = False

    @property
    def is_local(self) -> bool:
        """Whether it is this machine, without SSH."""
        return self.host == LOCAL

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{user}{host}" + (f":{self.port}" if self.port else "")


def parse_address(text: str) -> HostAddress:
    """The address in ``box``, ``me@192.168.1.10``, ``me@box:2222`` or ``me@[fd00::2]:22``.

    Raises ValueError with what to write instead.
    """
    user, at, rest = text.strip().rpartition("@")
    if at and not _USER.fullmatch(user):
        raise ValueError(f"{user!r} is no login name: write user@host")
    host, port = _split_port(rest)
    if not (_HOST.fullmatch(host) or (":" in host and _IPV6.fullmatch(host))):
        raise ValueError(f"{host!r} is no host name or IP address: write user@host or user@host:22")
    return HostAddress(host, user or None, port)


def _split_port(text: str) -> tuple[str, int | None]:
    """``host`` and port of ``host``, ``host:22``, ``[v6]:22`` or a bare IPv6 address."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
    elif text.count(":") == 1:
        host, port = text.split(":")
    else:
        host, port = text, None
    if port is None:
        return host, None
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{port!r} is no port: write a number from 1 to 65535")
    return host, int(port)
