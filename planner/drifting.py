"""The verb ``drift``: the plan, and a closer look at what a plan does not see."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from planner.apply.inspect import inspect
from planner.apply.prove import NotAsTold, prove
from planner.apply.run import HostRun, RunOptions
from planner.deployment import Planned
from planner.diff.drift import Finding, findings
from planner.diff.values import Observed
from planner.errors import PlannerError
from planner.remote.transport import Transport
from planner.render.bundle import Workload
from planner.sources.yaml_text import read_yaml


def closer(planned: Planned) -> tuple[Finding, ...]:
    """What differs on the hosts though no operation of the plan is about it. All hosts at once;
    one that cannot tell says so as a finding."""
    hosts = {name: item for name, item in planned.seen.items() if isinstance(item, Observed)}

    def look(host: str, transport: Transport) -> tuple[Finding, ...]:
        return _look(planned, hosts[host], transport)

    found: list[Finding] = []
    for host, outcome in planned.connections.each(hosts, look).items():
        if isinstance(outcome, PlannerError):
            cause = outcome.cause or outcome.summary
            found.append(Finding(host, "a closer look", cause, "is not hindered by it"))
        else:
            found += outcome
    return tuple(found)


def _look(planned: Planned, seen: Observed, transport: Transport) -> tuple[Finding, ...]:
    workloads = _current(seen)
    if not workloads:
        return ()
    ports = sorted({w.port for w in workloads if w.port is not None})
    inspected, compose = inspect(seen.host, transport, planned.layout, ports)
    inspected = replace(inspected, services=_services(compose))
    run = HostRun(
        seen.host, transport, planned.layout, RunOptions("", "", clock=time.monotonic),
        lambda _: None,
    )  # fmt: skip
    told = findings(planned.plan.project, seen, inspected, workloads)
    return (*told, *_settings(run, seen, planned, workloads))


def _services(compose: str) -> dict[str, Any]:
    """The services of a compose file's text; none of one that cannot be read."""
    document, _ = read_yaml(compose, "compose.yaml") if compose else (None, ())
    data = document.data if document is not None else None
    found = data.get("services") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _current(seen: Observed) -> tuple[Workload, ...]:
    """What the current release runs."""
    manifest = seen.manifests.get(seen.release or "")
    return () if manifest is None else manifest.workloads


def _settings(
    run: HostRun, seen: Observed, planned: Planned, workloads: tuple[Workload, ...]
) -> tuple[Finding, ...]:
    """What engines say of their settings, of those that the plan lets be."""
    running = {w.name for w in seen.workloads if w.health.serves}
    kept = planned.plan.kept.get(run.host, ())
    found = []
    for workload in workloads:
        if workload.name not in running or workload.name not in kept:
            continue
        try:
            prove(run, workload)
        except NotAsTold as problem:
            cause = problem.cause or problem.summary
            again = f"leaves it; restart {workload.name}, and it reads its settings anew"
            found.append(Finding(run.host, workload.name, cause, again))
    return tuple(found)
