"""Asks hosts what they have: one connection and one command each, all hosts at once."""

from __future__ import annotations

from planner.apply import steps
from planner.apply.connections import Connections
from planner.apply.observed import parse_observed
from planner.apply.steps import Layout
from planner.diff.values import Observed
from planner.errors import HostUnreachable, PlannerError
from planner.remote.transport import Transport

OBSERVE_SECONDS = 60.0


def observe_host(
    host: str, transport: Transport, layout: Layout, *, full: bool = False
) -> Observed:
    """What one host has of the project. Raises HostUnreachable when it cannot tell."""
    command = steps.observe(layout, full=full)
    result = transport.run(command.argv, stdin=command.stdin, seconds=OBSERVE_SECONDS)
    if not result.ok:
        raise HostUnreachable(
            f"{host} could not be looked at",
            where=host,
            cause=result.stderr.strip() or f"sh ended with status {result.exit}",
        )
    return parse_observed(host, layout.project, result.stdout)


def observe_all(
    connections: Connections, layout: Layout, *, full: bool = False
) -> dict[str, Observed | PlannerError]:
    """What every host has; for a host that could not be asked, why.

    ``full`` asks for versions of tools too, which costs a moment more.
    """
    return connections.each(
        connections.addresses,
        lambda host, transport: observe_host(host, transport, layout, full=full),
    )
