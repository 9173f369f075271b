"""Ports that stay: one number per replica, the same in every plan, whatever else is added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from planner.ports import FIRST_PORT, PORTS, free_port, stable_port

__all__ = ["FIRST_PORT", "PORTS", "PortWish", "assign_ports", "stable_port"]


@dataclass(frozen=True, slots=True)
class PortWish:
    """A replica that needs a port; ``written`` is the number in the blueprint, if there is one."""

    host: str
    model: str
    index: int
    written: int | None = None


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
            port = free_port(stable_port(project, wish.model, wish.index), here, wish.host)
            here.add(port)
            result[wish.model, wish.index] = port
    return result
