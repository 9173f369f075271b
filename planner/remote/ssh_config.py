"""Joins a host's address with ``~/.ssh/config`` and SSH's defaults into how to log in."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import UsageError
from planner.remote.address import HostAddress, parse_address
from planner.remote.paramiko_import import import_paramiko

if TYPE_CHECKING:
    import paramiko

DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True, slots=True)
class Login:
    """Everything needed to log in to one host.

    ``name`` is what known_hosts calls it when that differs from ``host`` (HostKeyAlias).
    ``explicit`` identities were asked for and are tried before those of the agent.
    """

    host: str
    port: int
    user: str
    identities: tuple[Path, ...]
    explicit: bool
    agent: bool
    known_hosts: tuple[Path, ...]
    name: str
    jump: HostAddress | None = None


def read_ssh_config(path: Path) -> paramiko.SSHConfig | None:
    """The user's SSH configuration, None when there is none.

    Raises UsageError when it cannot be read.
    """
    try:
        text = path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError("the SSH configuration cannot be read", where=str(path)) from problem
    import_paramiko(with_invoke="exec" in text.lower())
    import paramiko

    try:
        return paramiko.SSHConfig.from_text(text)
    except paramiko.SSHException as problem:
        raise UsageError(
            "the SSH configuration cannot be read",
            where=str(path),
            cause=str(problem),
            advice="check it with: ssh -G localhost",
        ) from problem


def resolve_login(
    address: HostAddress, config: paramiko.SSHConfig | None, environ: Mapping[str, str], home: Path
) -> Login:
    """How to log in to ``address``. What the address says wins over the configuration.

    Raises UsageError for a ProxyCommand, which planner does not run.
    """
    found: Mapping[str, str | list[str]] = config.lookup(address.host) if config else {}
    if found.get("proxycommand", "none") != "none":
        raise UsageError(
            f"{address.host} is reached through a ProxyCommand, which planner does not run",
            where="~/.ssh/config",
            advice="use ProxyJump instead",
        )
    port = address.port or int(_one(found, "port") or 22)
    identities = _identities(address.identity or environ.get("PLANNER_IDENTITY"), found, home)
    known = address.known_hosts or environ.get("PLANNER_KNOWN_HOSTS")
    jump = address.jump or _one(found, "proxyjump")
    host = _one(found, "hostname") or address.host
    return Login(
        host=host,
        port=port,
        user=address.user or _one(found, "user") or getpass.getuser(),
        identities=identities or tuple(home / ".ssh" / name for name in DEFAULT_KEYS),
        explicit=bool(identities),
        agent=_one(found, "identitiesonly") != "yes" and "SSH_AUTH_SOCK" in environ,
        known_hosts=(Path(known).expanduser(),) if known else _known_hosts(found, home),
        name=_one(found, "hostkeyalias") or host,
        jump=_jump(jump, address),
    )


def _identities(
    identity: str | None, found: Mapping[str, str | list[str]], home: Path
) -> tuple[Path, ...]:
    """The key files asked for: by the address or the environment, else by the configuration."""
    if identity:
        return (Path(identity).expanduser(),)
    listed = found.get("identityfile", [])
    files = [listed] if isinstance(listed, str) else listed
    return tuple(Path(os.path.expanduser(file)) for file in files)


def _known_hosts(found: Mapping[str, str | list[str]], home: Path) -> tuple[Path, ...]:
    """The files of trusted host keys, the user's own first: that is where a new key is written."""
    user = _one(found, "userknownhostsfile")
    listed = (
        [Path(os.path.expanduser(file)) for file in user.split()]
        if user
        else [home / ".ssh/known_hosts", home / ".ssh/known_hosts2"]
    )
    return (*listed, Path("/etc/ssh/ssh_known_hosts"))


def _jump(jump: str | None, address: HostAddress) -> HostAddress | None:
    """The host to go through. A chain ``a,b`` is reached through its last host, that one by a."""
    if not jump or jump == "none":
        return None
    *before, last = jump.removeprefix("ssh://").split(",")
    try:
        parsed = parse_address(last)
    except ValueError as problem:
        raise UsageError(f"ProxyJump {jump!r} cannot be used: {problem}") from problem
    return HostAddress(
        parsed.host,
        parsed.user,
        parsed.port,
        address.identity,
        address.known_hosts,
        ",".join(before) or None,
    )


def _one(found: Mapping[str, str | list[str]], key: str) -> str | None:
    """A setting that has one value."""
    value = found.get(key)
    return value if isinstance(value, str) else None
