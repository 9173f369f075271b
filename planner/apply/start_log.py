"""Asks a host what its engines said of their memory as they started: one command, one answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from planner.apply.steps import Layout
from planner.errors import PlannerError
from planner.remote.script import Command, Script
from planner.remote.transport import Transport
from planner.render.bundle import Runtime
from planner.sizing.logs import READERS
from planner.sizing.measured import Measured

LINES: Final = (
    5000  # of each log, from its start; a large vLLM says about a thousand until it serves
)
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A workload whose log is wanted, and the engine that reads it."""

    workload: str
    runtime: Runtime
    engine: str


def start_log(layout: Layout, asked: Iterable[Asked]) -> Command:
    """Print what workloads said since their last start, as far as their engines' readers ask."""
    return log_command(layout, [(item, READERS[item.engine].lines) for item in asked])


def log_command(layout: Layout, asked: Iterable[tuple[Asked, str]]) -> Command:
    """Print the lines that workloads said since their last start and that match their pattern."""
    words = [
        text for item, pattern in asked for text in (item.runtime.value, item.workload, pattern)
    ]
    return layout.script(Script.START_LOG, str(LINES), *words)


def measure(
    host: str, transport: Transport, layout: Layout, asked: tuple[Asked, ...]
) -> dict[str, Measured]:
    """What each workload's engine measured, by workload; those that said nothing are left out.

    Raises PlannerError when the host cannot tell.
    """
    command = start_log(layout, asked)
    result = transport.run(command.argv, stdin=command.stdin, seconds=_SECONDS)
    if not result.ok:
        raise PlannerError("the engines' logs cannot be read", where=host, cause=result.stderr)
    texts = parse_logs(result.stdout)
    found = {
        item.workload: READERS[item.engine].read(texts.get(item.workload, "")) for item in asked
    }
    return {workload: measured for workload, measured in found.items() if measured.known}


def parse_logs(text: str) -> dict[str, str]:
    """The script's output by workload."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("@log "):
            lines = found.setdefault(line[5:], [])
        elif line.startswith(" "):
            lines.append(line[1:])
    return {name: "\n".join(said) for name, said in found.items()}
