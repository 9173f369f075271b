"""Learning from engines: asks hosts what was logged, and keeps it in the record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from planner.apply.connections import Connections
from planner.apply.record import Record, change_record, record_path
from planner.apply.remembered import remembering
from planner.apply.start_log import Asked, measure
from planner.apply.steps import Layout
from planner.errors import PlannerError, RecordUnusable
from planner.farm import Placed
from planner.learned import digest_of
from planner.render.bundle import Runtime
from planner.sizing.logs import READERS
from planner.sizing.measured import Learned

if TYPE_CHECKING:
    from planner.apply.result import ApplyResult
    from planner.diff.values import Observed, Plan

Workloads = Mapping[tuple[str, str], Runtime]


def listen(
    connections: Connections, layout: Layout, replicas: Iterable[Placed], running: Workloads
) -> dict[str, Learned]:
    """What the engines of these replicas measured, by settings digest; all hosts at once.

    ``running`` are the workloads to ask, by host and name. A host that cannot tell is left out:
    nothing waits for a measurement.
    """
    wanted: dict[str, dict[Asked, Placed]] = {}
    for replica in replicas:
        runtime = running.get((replica.host.name, replica.name))
        if runtime is not None and replica.model.engine in READERS:
            asked = Asked(replica.name, runtime, replica.model.engine)
            wanted.setdefault(replica.host.name, {})[asked] = replica
    answers = connections.each(
        wanted, lambda host, transport: measure(host, transport, layout, tuple(wanted[host]))
    )
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        digest_of(replica): Learned(host, when, found[asked.workload])
        for host, found in answers.items()
        if not isinstance(found, PlannerError)
        for asked, replica in wanted[host].items()
        if asked.workload in found
    }


def verified(plan: Plan, result: ApplyResult) -> Workloads:
    """Workloads that an apply has just started and seen to answer."""
    from planner.diff.values import VerifyWorkload

    return {
        (step.host, step.workload.name): step.workload.runtime
        for step in plan.operations
        if isinstance(step, VerifyWorkload) and step.id in result.hosts[step.host].done
    }


def running_as_planned(
    seen: Mapping[str, Observed | PlannerError], kept: Mapping[str, Collection[str]]
) -> Workloads:
    """Workloads that run with the settings of the blueprint, so that their logs are about those."""
    from planner.diff.values import Health

    return {
        (host, workload.name): workload.runtime
        for host, item in seen.items()
        if not isinstance(item, PlannerError)
        for workload in item.workloads
        if workload.health is Health.RUNNING and workload.name in kept.get(host, ())
    }


def keep(path: Path, project: str, learned: Mapping[str, Learned]) -> dict[str, Learned]:
    """Remember measurements; returns each as it is remembered. A full disk or broken record
    changes nothing."""
    when = datetime.now(UTC).isoformat(timespec="seconds")

    def remember(record: Record) -> Record:
        return remembering(record, learned, when)

    try:
        return change_record(record_path(path, project), project, remember)[0].measured
    except RecordUnusable:
        return dict(learned)
