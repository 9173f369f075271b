"""What hosts said of themselves, as inventory lines and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.diff.values import Observed
from planner.errors import PlannerError
from planner.units import GIB
from planner.views.terminal import clean

Seen = Mapping[str, Observed | PlannerError]


def probe_to_text(seen: Seen, addresses: Mapping[str, str]) -> str:
    """Lines to paste under ``hosts:`` of an inventory; what is missing stands as a comment."""
    lines = ["planner: 1", "hosts:"]
    for host, item in seen.items():
        if isinstance(item, PlannerError):
            lines.append(f"  # {host}: {clean(item.summary)}")
            continue
        lines.append(f"  {host}:")
        lines.append(f"    address: {addresses[host]}")
        lines += [f"    {line}" for line in _facts(item)]
    return "\n".join(lines)


def _facts(item: Observed) -> list[str]:
    lines = []
    if item.devices:
        lines.append("gpus:")
        lines += [
            f"  - {{name: {clean(card.name)}, uuid: {clean(card.uuid)}, "
            f"memory: {card.total_bytes // (1 << 20)}MiB}}"
            for card in item.devices
        ]
    if item.ram_bytes:
        lines.append(f"ram: {item.ram_bytes // GIB or 1}GiB # {item.ram_bytes:,} bytes")
    if item.disk_free_bytes:
        lines.append(f"disk: {item.disk_free_bytes // 10**9}GB # free now")
    if item.docker and item.compose:
        tools = f"Docker {clean(item.docker)}, Compose {clean(item.compose)}"
        lines.append(f"runtime: compose # {tools}")
    elif item.systemd:
        why = "without Compose" if item.docker else "without Docker"
        lines.append(f"runtime: systemd # systemd {clean(item.systemd)}, {why}")
    return lines


def probe_to_dict(seen: Seen, addresses: Mapping[str, str]) -> dict[str, Any]:
    """The same as values. Bytes are integers."""
    return {"hosts": [_host(host, item, addresses[host]) for host, item in seen.items()]}


def _host(host: str, item: Observed | PlannerError, address: str) -> dict[str, Any]:
    if isinstance(item, PlannerError):
        return {"host": host, "address": address, "reached": False, "error": item.summary}
    return {
        "host": host,
        "address": address,
        "reached": True,
        "devices": [
            {"name": c.name, "uuid": c.uuid, "total_bytes": c.total_bytes} for c in item.devices
        ],
        "ram_bytes": item.ram_bytes,
        "disk_free_bytes": item.disk_free_bytes,
        "docker": item.docker,
        "compose": item.compose,
        "systemd": item.systemd,
    }
