"""Reaching a host as its users do: OpenSSH with strict host keys."""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Sequence

from tests.farm.commands import run
from tests.farm.layout import Layout, address_of

PORT = 22


def argv(
    layout: Layout, name: str, command: Sequence[str] = (), *, user: str = "root"
) -> list[str]:
    """The ssh command line that runs `command` on a host, or opens a shell there."""
    options = {
        "IdentityFile": layout.key,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": layout.known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": "5",
        "LogLevel": "ERROR",
    }
    words = ["ssh", "-F", "none", *(f"-o{key}={value}" for key, value in options.items())]
    return [*words, f"{user}@{address_of(name)}", *([shlex.join(command)] if command else [])]


def call(
    layout: Layout,
    name: str,
    command: Sequence[str],
    *,
    user: str = "root",
    check: bool = True,
    text_input: str | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `command` on a host. Raises FarmError as `commands.run` does."""
    line = argv(layout, name, command, user=user)
    return run(line, check=check, text_input=text_input, timeout=timeout)


def answers(name: str, timeout: float = 0.3) -> bool:
    """Whether something listens on the host's SSH port and greets."""
    try:
        with socket.create_connection((address_of(name), PORT), timeout) as connection:
            connection.settimeout(timeout)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
