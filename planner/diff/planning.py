"""Joins every host's differences into one plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from planner.diff import causes
from planner.diff.beginnings import beside_others
from planner.diff.damaged import sound
from planner.diff.data import emptied, remaining
from planner.diff.differ import NO_VALUES, diff, empty_bundle, kept
from planner.diff.preflight import HostNeeds, preflight
from planner.diff.rolling import gated
from planner.diff.secrets import Values
from planner.diff.values import (
    Health,
    Interruption,
    Observed,
    Operation,
    Plan,
    StartWorkload,
    StopWorkload,
)
from planner.errors import PlannerError
from planner.ports import LOOPBACK
from planner.render.bundle import Bundle, Runtime


def make_plan(
    bundle: Bundle,
    observed: Mapping[str, Observed | PlannerError],
    needs: Mapping[str, HostNeeds] | None = None,
    values: Values = NO_VALUES,
) -> Plan:
    """The plan that makes every observed host equal to the bundle.

    A host that was observed and is not in the bundle is cleared of the project: destroying is a
    plan for an empty bundle. A host that could not be asked gets no operations, and its reason.
    ``values`` are the secrets that are known here.
    """
    by_host = {wanted.host: wanted for wanted in bundle.hosts}
    seen_hosts = {
        h: sound(seen, by_host[h].artifacts if h in by_host else (), bundle.project)
        for h, seen in observed.items()
        if isinstance(seen, Observed)
    }
    pairs = {
        host: (by_host.get(host) or empty_bundle(host, bundle.project), seen)
        for host, seen in seen_hosts.items()
    }
    wished = {workload.owner for wanted in bundle.hosts for workload in wanted.workloads}
    alone = {host: diff(wanted, seen, values, wished) for host, (wanted, seen) in pairs.items()}
    steps = gated(alone, seen_hosts)
    found = (
        preflight(wanted, seen, (needs or {}).get(host, HostNeeds()))
        for host, (wanted, seen) in pairs.items()
    )
    return Plan(
        project=bundle.project,
        operations=tuple(step for host in steps for step in steps[host]),
        interruptions=(
            *(item for host in steps for item in interruptions(steps[host], seen_hosts[host])),
            *moves(steps, seen_hosts),
        ),
        kept={host: kept(wanted, seen, values) for host, (wanted, seen) in pairs.items()},
        reasons={
            host: causes.of_nothing(wanted, seen)
            for host, (wanted, seen) in pairs.items()
            if not steps[host]
        },
        seen={h: seen.fingerprint for h, seen in observed.items() if isinstance(seen, Observed)},
        releases={
            host: wanted.digest if wanted.files else None for host, (wanted, _) in pairs.items()
        },
        unseen={h: seen.summary for h, seen in observed.items() if isinstance(seen, PlannerError)},
        diagnostics=(
            *(item for items in found for item in items),
            *emptied(bundle, seen_hosts),
            *beside_others(bundle, seen_hosts),
            *(() if bundle.hosts else remaining(seen_hosts)),
        ),
    )


def interruptions(steps: tuple[Operation, ...], seen: Observed) -> list[Interruption]:
    """What stops answering meanwhile: workloads that serve now and are replaced, also by themselves
    under another name."""
    serving = _serving(seen)
    return [
        Interruption(step.host, step.target, step.workload.start_seconds, step.cause)
        for step in steps
        if isinstance(step, StartWorkload)
        and (step.replaces or step.was)
        and not _served_meanwhile(step)
        and (step.was or step.workload.name, step.workload.runtime) in serving
    ]


def moves(
    steps: Mapping[str, tuple[Operation, ...]], seen: Mapping[str, Observed]
) -> list[Interruption]:
    """What stops on one host and starts on another: the two do not wait for each other."""
    starting = {
        step.workload.name: step
        for operations in steps.values()
        for step in operations
        if isinstance(step, StartWorkload) and not step.replaces
    }
    return [
        Interruption(
            step.host,
            step.target,
            there.workload.start_seconds,
            f"it moves to {there.host}",
        )
        for operations in steps.values()
        for step in operations
        if isinstance(step, StopWorkload)
        and (step.workload.name, step.workload.runtime) in _serving(seen[step.host])
        and (there := starting.get(step.workload.name)) is not None
        and there.host != step.host
    ]


def _serving(seen: Observed) -> set[tuple[str, Runtime]]:
    return {
        (workload.name, workload.runtime)
        for workload in seen.workloads
        if workload.health.serves or workload.health is Health.UNHEALTHY
    }


def _served_meanwhile(step: StartWorkload) -> bool:
    """Whether all who ask for it come through the gateway, which asks what serves beside it."""
    probe = step.workload.probe
    return bool(step.surge and step.workload.gateway and probe and probe.address == LOOPBACK)
