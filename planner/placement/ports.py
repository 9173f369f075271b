"""Ports that stay: one number per replica, the same in every plan, whatever else is added."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Final

# Below 32768, where Linux starts handing out source ports, and above what services listen on.
FIRST_PORT: Final = 20_000
PORTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class PortWish:
    """A replica that needs a port; ``written`` is the number in the blueprint, if there is one."""

    host: str
    model: str
    index: int
    written: int | None = None


def stable_port(project: str, model: str, index: int) -> int:
    """Where the search for a replica's port starts: a hash of its name, 20000 to 29999.

    A counter would be shorter but would shift every later port when a model is added before them.
    """
    digest = hashlib.sha256(f"{project}/{model}/{index}".encode()).digest()
    return FIRST_PORT + int.from_bytes(digest[:8], "big") % PORTS


def assign_ports(
    project: str, wishes: Iterable[PortWish], taken: Mapping[str, Set[int]]
) -> dict[tuple[str, int], int]:
    """A port for every replica, by (model, index), unique on its host.

    ``taken`` are ports that other things use, by host. Written ports are kept as they are; the
    rest probe linearly from their hash in name order, so a model moves another's port only when
    both hash to the same number on the same host (1 in 10,000). Raises ValueError when a host has
    no port left in the range.
    """
    every = sorted(wishes, key=lambda wish: (wish.model, wish.index))
    used = {host: set(ports) for host, ports in taken.items()}
    result: dict[tuple[str, int], int] = {}
    for wish in every:
        if wish.written is not None:
            used.setdefault(wish.host, set()).add(wish.written)
            result[wish.model, wish.index] = wish.written
    for wish in every:
        if wish.written is None:
            here = used.setdefault(wish.host, set())
            port = _probe(stable_port(project, wish.model, wish.index), here, wish.host)
            here.add(port)
            result[wish.model, wish.index] = port
    return result


def _probe(start: int, used: Set[int], host: str) -> int:
    for step in range(PORTS):
        port = FIRST_PORT + (start - FIRST_PORT + step) % PORTS
        if port not in used:
            return port
    raise ValueError(f"{host} has no free port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1}")
