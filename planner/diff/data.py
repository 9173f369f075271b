"""Data that outlives workloads: what is on hosts, and the one plan that deletes any. Pure.

No other plan holds an operation that deletes data; an emptied blueprint is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.diagnostics import Diagnostic, error, note
from planner.diff.foreign_links import refused
from planner.diff.values import Observed, Plan, RemoveData
from planner.errors import PlannerError
from planner.render.bundle import Bundle


def plan_deletion(
    project: str, observed: Mapping[str, Observed | PlannerError], names: tuple[str, ...]
) -> Plan:
    """The plan that deletes these data, wherever they lie, and nothing else."""
    hosts = {host: seen for host, seen in observed.items() if isinstance(seen, Observed)}
    steps = tuple(
        RemoveData(
            id=f"{host}/remove-data/{name}",
            host=host,
            target=f"data {name}",
            cause="you have named it",
            name=name,
        )
        for host, seen in hosts.items()
        for name in dict.fromkeys(names)
        if name in seen.data
    )
    return Plan(
        project=project,
        operations=steps,
        reasons={
            host: _none(seen, names)
            for host, seen in hosts.items()
            if all(step.host != host for step in steps)
        },
        seen={host: seen.fingerprint for host, seen in hosts.items()},
        unseen={h: seen.summary for h, seen in observed.items() if isinstance(seen, PlannerError)},
        diagnostics=(
            *(item for seen in hosts.values() for item in refused(seen)),
            *_in_use(steps, hosts),
        ),
    )


def remaining(seen: Mapping[str, Observed]) -> Iterator[Diagnostic]:
    """What stays on hosts that planner leaves, and how it is deleted."""
    for host, item in seen.items():
        for name in sorted(item.data):
            yield note(f"data {name!r} on {host} stays", "hosts", host,
                       advice=f"delete it for good: planner destroy BLUEPRINT --data {name}",
                       )  # fmt: skip


def emptied(bundle: Bundle, seen: Mapping[str, Observed]) -> Iterator[Diagnostic]:
    """A blueprint that asks for nothing where something runs: cut off or saved empty, not meant.

    A bundle without any host is the wish to destroy.
    """
    if not bundle.hosts or any(host.workloads for host in bundle.hosts):
        return
    runs = [f"{w.name} on {host}" for host, item in seen.items() for w in item.workloads]
    if runs:
        shown = ", ".join(runs[:3]) + (f" and {len(runs) - 3} more" if len(runs) > 3 else "")
        yield error("the blueprint asks for nothing, and would take everything away",
                    detail=f"{shown} would be stopped and removed",
                    advice="bring its models back; to remove the farm: planner destroy BLUEPRINT",
                    )  # fmt: skip


def _none(seen: Observed, names: tuple[str, ...]) -> str:
    has = f"it has {', '.join(sorted(seen.data))}" if seen.data else "it has no data"
    return f"no data named {' or '.join(names)} is on it; {has}"


def _in_use(steps: tuple[RemoveData, ...], hosts: Mapping[str, Observed]) -> Iterator[Diagnostic]:
    for step in steps:
        users = sorted(hosts[step.host].data.get(step.name, ()))
        if users:
            yield error(f"data {step.name!r} on {step.host} is in use", "hosts", step.host,
                        detail=f"{', '.join(users)} would lose it while it runs",
                        advice="take the workload out of the blueprint and apply, or destroy the "
                        "farm first")  # fmt: skip
