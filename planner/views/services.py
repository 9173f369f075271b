"""Draws services and the gateway: what each takes, where the catalogue knows it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from planner.sizing.services import ServiceSize
from planner.sizing.values import Term
from planner.units import gib
from planner.views.columns import aligned, clip
from planner.views.terminal import Style, clean


def services_to_text(
    services: Iterable[ServiceSize], style: Style, *, explain: bool = False
) -> str:
    """A table with a line a service; with ``explain`` where its figures are from."""
    every = tuple(services)
    if not every:
        return ""
    rows = [("service", "host", "RAM", "disk")]
    for item in every:
        name, host = item.resource.removeprefix("services."), ", ".join(item.hosts) or "-"
        rows.append((clip(clean(name), 24), clip(host, 24), _shown(item.ram), _shown(item.disk)))
    lines = aligned(rows, right=frozenset({2, 3}))
    drawn = [style.paint(lines[0], "dim"), *lines[1:]]
    for item in every if explain else ():
        for what, term in (("RAM", item.ram), ("disk", item.disk)):
            if term is not None:
                text = f"{item.resource} {what}: {term.why}; source: {term.source}"
                drawn += textwrap.wrap(clean(text), style.width, subsequent_indent="  ")
    return "\n".join(drawn)


def _shown(term: Term | None) -> str:
    return "unknown" if term is None else gib(term.bytes)


def services_to_list(services: Iterable[ServiceSize]) -> list[dict[str, Any]]:
    """The services for scripts: bytes as integers, unknown as null."""
    return [
        {
            "resource": item.resource,
            "hosts": list(item.hosts),
            "ram_bytes": item.ram_bytes,
            "disk_bytes": item.disk_bytes,
            "source": item.ram.source if item.ram else None,
        }
        for item in services
    ]
