"""Looks at a host closely, for drift: one command, and one question to each engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from planner.apply.steps import Layout
from planner.diff.drift import Inspected, Process, SeenContainer, SeenUnit
from planner.errors import PlannerError
from planner.remote.script import Script
from planner.remote.transport import Transport
from planner.units import MIB

_SECONDS = 60.0


def inspect(
    host: str, transport: Transport, layout: Layout, ports: Iterable[int]
) -> tuple[Inspected, str]:
    """What the host has beyond what plans need, and the text of its compose file.

    Raises PlannerError when it cannot tell.
    """
    command = layout.script(Script.INSPECT, *map(str, ports))
    result = transport.run(command.argv, stdin=command.stdin, seconds=_SECONDS)
    if not result.ok or "\n@end" not in result.stdout:
        cause = result.stderr.strip() or "its answer is cut short"
        raise PlannerError(f"{host} could not be inspected", where=host, cause=cause)
    return parse_inspected(result.stdout)


def parse_inspected(text: str) -> tuple[Inspected, str]:
    """The script's output as values, and the compose file's text."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("@"):
            lines = sections.setdefault(line[1:], [])
        else:
            lines.append(line)
    images = dict(_fields(sections.get("images", []), 2))
    laid = list(_fields(sections.get("laid", []), 2))
    inspected = Inspected(
        units=tuple(_units(sections.get("units", []), laid)),
        containers=tuple(_containers(sections.get("containers", []))),
        images=images,
        listeners=tuple(_listeners(sections.get("ports", []))),
        on_cards=tuple(_on_cards(sections.get("cards", []))),
    )
    return inspected, "\n".join(line[1:] for line in sections.get("compose", []))


def _fields(lines: list[str], count: int) -> Iterator[list[str]]:
    for line in lines:
        fields = line.split("|")
        if len(fields) == count:
            yield fields


def _units(lines: list[str], laid: list[list[str]]) -> Iterator[SeenUnit]:
    """What ``systemctl show`` prints, one block a unit; ``laid`` are drop-ins by unit that systemd
    may not have read yet."""
    block: dict[str, str] = {}
    for line in [*lines, ""]:
        key, separator, value = line.partition("=")
        if separator:
            block[key] = value
        elif "Id" in block:
            stale = block.get("NeedDaemonReload") == "yes"
            known = block.get("DropInPaths", "").split()
            found = [path for unit, path in laid if unit == block["Id"]]
            drop_ins = tuple(dict.fromkeys((*known, *found)))
            yield SeenUnit(block["Id"], block.get("FragmentPath", ""), drop_ins, stale)
            block = {}


def _containers(lines: list[str]) -> Iterator[SeenContainer]:
    for line in lines:
        fields = line.split("|", 7)
        if len(fields) != 8:  # it went away meanwhile
            continue
        name, image, image_id, memory, processes, restart, privileged, given = fields
        limit = int(processes) if processes.lstrip("-").isdigit() else 0
        yield SeenContainer(
            name, image, image_id, int(memory), limit, restart, privileged == "true",
            json.loads(given),
        )  # fmt: skip


def _listeners(lines: list[str]) -> Iterator[Process]:
    for port, address, pid, name, group in _fields(lines, 5):
        number = int(pid) if pid.isdigit() else 0
        yield Process(number, name, group, port=int(port), address=address)


def _on_cards(lines: list[str]) -> Iterator[Process]:
    for card, pid, used, name, group in _fields(lines, 5):
        if pid.isdigit() and used.isdigit():
            yield Process(int(pid), name, group, card=card, used_bytes=int(used) * MIB)
