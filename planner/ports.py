"""Port numbers that follow from names: the same in every plan, whatever else is added."""

from __future__ import annotations

import hashlib
from collections.abc import Set
from typing import Final

LOOPBACK: Final = "127.0.0.1"
# Below 32768, where Linux starts handing out source ports, and above what services listen on.
FIRST_PORT: Final = 20_000
PORTS: Final = 10_000


def stable_port(project: str, name: str, index: int) -> int:
    """Where the search for a port starts: a hash of its owner's name, 20000 to 29999.

    A counter would be shorter but would shift every later port when something is added before.
    """
    digest = hashlib.sha256(f"{project}/{name}/{index}".encode()).digest()
    return FIRST_PORT + int.from_bytes(digest[:8], "big") % PORTS


def free_port(start: int, used: Set[int], host: str) -> int:
    """The first port from ``start`` on that nothing uses. Raises ValueError when all are taken."""
    for step in range(PORTS):
        port = FIRST_PORT + (start - FIRST_PORT + step) % PORTS
        if port not in used:
            return port
    raise ValueError(f"{host} has no free port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1}")
