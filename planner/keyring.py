"""The secrets that a plan needs: read where they are, taken back from a host, asked for, or made.

What planner made or asked for is on the hosts as well. A machine that has lost it takes it back
from there instead of making another: data may be encrypted with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from planner.apply import steps
from planner.apply.connections import Connections
from planner.apply.steps import Layout
from planner.diagnostics import Diagnostic, Severity
from planner.diff.values import FetchArtifact, Observed, Plan, PutSecret
from planner.errors import PlannerError, UsageError
from planner.render.bundle import Bundle
from planner.secret import SecretKind, SecretSource, SecretValue
from planner.sources.secrets import generate, keep, kept_at, read_secret

Ask = Callable[[str], SecretValue]
Seen = Mapping[str, Observed | PlannerError]


def known(bundle: Bundle, folder: Path) -> tuple[dict[str, SecretValue], tuple[Diagnostic, ...]]:
    """The secrets that can be read on this machine, and why others cannot."""
    values: dict[str, SecretValue] = {}
    found: list[Diagnostic] = []
    for source in _sources(bundle):
        read = read_secret(source, folder, bundle.project, os.environ)
        if isinstance(read, SecretValue):
            values[source.name] = read
        elif isinstance(read, Diagnostic):
            found.append(read)
    return values, tuple(found)


def remarks(plan: Plan, unread: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What secrets that cannot be read mean for a plan: errors where a host waits for them, and
    notes where all have them already."""
    needed = {source.name for source in _needed(plan)}
    return tuple(item if item.path[1] in needed else _kept(item) for item in unread)


def gather(
    plan: Plan,
    values: Mapping[str, SecretValue],
    seen: Seen,
    connections: Connections,
    layout: Layout,
    folder: Path,
    ask: Ask,
) -> dict[str, SecretValue]:
    """Every secret that the plan brings to a host. Raises PlannerError when one is not to be had.

    Hosts give back theirs before anything is made or asked for.
    """
    found: dict[str, SecretValue] = {}
    for source in _needed(plan):
        value = values.get(source.name)
        if value is None:
            value = _obtain(source, seen, connections, layout, folder, ask)
        found[source.name] = value
    return found


def rescue(
    declared: Iterable[SecretSource],
    seen: Seen,
    connections: Connections,
    layout: Layout,
    folder: Path,
) -> None:
    """Bring home what planner made on another machine, before the last host may lose it."""
    for source in declared:
        if source.kind is SecretKind.GENERATED:
            if kept_at(folder, layout.project, source.name).exists():
                continue
            value = _from_a_host(source.name, seen, connections, layout)
            if value is not None:
                _keep(source, layout.project, folder, value)


def _obtain(
    source: SecretSource,
    seen: Seen,
    connections: Connections,
    layout: Layout,
    folder: Path,
    ask: Ask,
) -> SecretValue:
    read = read_secret(source, folder, layout.project, os.environ)
    if isinstance(read, SecretValue):
        return read
    if isinstance(read, Diagnostic):
        raise UsageError(read.summary, advice=read.advice)
    value = _from_a_host(source.name, seen, connections, layout)
    if source.kind is SecretKind.PROMPT:
        return value or ask(source.name)
    value = value or generate()
    _keep(source, layout.project, folder, value)
    return value


def _keep(source: SecretSource, project: str, folder: Path, value: SecretValue) -> None:
    try:
        keep(folder, project, source.name, value)
    except OSError as fault:
        raise UsageError(
            f"secret {source.name!r} cannot be kept beside the blueprint",
            where=str(folder),
            cause=fault.strerror,
        ) from fault


def _from_a_host(
    name: str, seen: Seen, connections: Connections, layout: Layout
) -> SecretValue | None:
    """The value that a host has already. Raises PlannerError when it cannot be read there."""
    for host, item in seen.items():
        places = item.secrets if isinstance(item, Observed) else {}
        for place in places:
            if place.partition("/")[2].partition("@")[0] == name:
                command = steps.read_secret(layout, place)
                result = connections.get(host).run(command.argv, stdin=command.stdin)
                if not result.ok:
                    raise PlannerError(f"secret {name!r} cannot be read on {host}", where=host)
                return SecretValue(result.stdout.encode())
    return None


def _sources(bundle: Bundle) -> Iterable[SecretSource]:
    found = [source for host in bundle.hosts for source in host.secrets]
    tokens = (item.token for host in bundle.hosts for item in host.artifacts)
    return dict.fromkeys([*found, *(token for token in tokens if token)])


def _needed(plan: Plan) -> Iterable[SecretSource]:
    found = []
    for step in plan.operations:
        if isinstance(step, PutSecret):
            found.append(step.source)
        elif isinstance(step, FetchArtifact) and step.artifact.token is not None:
            found.append(step.artifact.token)
    return dict.fromkeys(found)


def _kept(item: Diagnostic) -> Diagnostic:
    return Diagnostic(
        Severity.NOTE, f"{item.summary}; the hosts keep the value that they have", item.path
    )
