"""Carries a plan out: walks each host's operations, all hosts at once. It decides nothing."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import replace

from planner.apply import prove, ready, steps, transfer
from planner.apply.back import go_back
from planner.apply.connections import Connections
from planner.apply.events import Event, HostFinished, HostStarted, OnEvent, OperationProgress
from planner.apply.locked import locked
from planner.apply.observe import observe_host
from planner.apply.outcomes import Outcomes
from planner.apply.result import ApplyResult, HostMovedOn, HostResult
from planner.apply.run import HostRun, RunOptions
from planner.apply.steps import Layout
from planner.apply.stopping import stopping
from planner.apply.walk import Walk, interrupted
from planner.diff.causes import SHORT
from planner.diff.rollback import safe_release
from planner.diff.values import (
    ActivateRelease,
    FetchArtifact,
    LoadAdapter,
    Observed,
    Operation,
    Plan,
    PushArtifact,
    PutSecret,
    RemoveArtifact,
    RemoveData,
    RemoveProject,
    StartSurge,
    StartWorkload,
    StopSurge,
    StopWorkload,
    UnloadAdapter,
    VerifyWorkload,
    WriteRelease,
)
from planner.errors import (
    ApplyFailed,
    ApplyFailedServing,
    HostLocked,
    Interrupted,
    PlannerError,
)
from planner.remote.hold import SILENCE_SECONDS
from planner.remote.transport import ConnectionLost, Holding, Transport

WINDOW_SECONDS = 60  # a host waits so long for its run before it goes back by itself
_STOP_SECONDS = 180.0
_START_SECONDS = 300.0


def execute(
    plan: Plan,
    connections: Connections,
    layout: Layout,
    options: RunOptions,
    on_event: OnEvent,
    failures: Mapping[str, PlannerError] | None = None,
) -> ApplyResult:
    """Do everything in the plan. One host's failure leaves the others alone, unless an operation of
    theirs waits for one of its.

    ``failures`` are hosts that could not be asked when the plan was made: they are part of the
    result. Ctrl-C lets every host finish its step; a second one ends at once.
    """
    told = threading.Lock()
    outcomes = Outcomes()

    def tell(event: Event) -> None:
        with told:
            on_event(event)

    with stopping(connections.close) as stopped:

        def work(host: str, transport: Transport) -> HostResult:
            run = HostRun(host, transport, layout, options, tell, stopped.is_set)
            return _host(run, plan, outcomes)

        ended = connections.each(plan.hosts, work, outcomes.end)
    results = {
        host: HostResult(host, errors=(failure,)) for host, failure in (failures or {}).items()
    }
    for host, outcome in ended.items():
        if isinstance(outcome, PlannerError):
            ids = tuple(step.id for step in plan.of(host))
            outcome = HostResult(host, not_tried=ids, errors=(outcome,))
        results[host] = outcome
    for host in plan.reasons:
        results.setdefault(host, HostResult(host))
    return ApplyResult(results)


def _host(run: HostRun, plan: Plan, outcomes: Outcomes) -> HostResult:
    """Do one host's part, under its lock."""
    operations = plan.of(run.host)
    run.emit(HostStarted(run.host, len(operations)))
    try:
        with locked(run) as lock:
            seen = _not_moved_on(run, plan)
            result = _carry_out(run, plan, seen, lock, outcomes)
    except PlannerError as problem:
        ids = tuple(step.id for step in operations)
        result = HostResult(run.host, not_tried=ids, errors=(problem,))
    run.emit(HostFinished(run.host, result.errors[0] if result.errors else None))
    return result


def _not_moved_on(run: HostRun, plan: Plan) -> Observed:
    """The host, seen again under its lock. Raises HostMovedOn when it is not as the plan saw it."""
    seen = observe_host(run.host, run.transport, run.layout)
    if seen.fingerprint != plan.seen.get(run.host):
        raise HostMovedOn(
            f"{run.host} is not as it was when the plan was made; nothing was changed there",
            where=run.host,
            cause="somebody else has changed it meanwhile, or it went back by itself",
            advice="make a new plan: planner plan BLUEPRINT",
        )
    return seen


def _carry_out(
    run: HostRun, plan: Plan, seen: Observed, lock: Holding, outcomes: Outcomes
) -> HostResult:
    """Walk the host's operations; when the new release fails, go back to the one that served."""
    operations = plan.of(run.host)
    previous = _previous(plan, seen)
    switches = any(isinstance(step, ActivateRelease) for step in operations)
    run = replace(run, previous=previous, watched=switches and previous is not None)
    walk = Walk(run, perform, lock, outcomes, whole=run.previous is not None)
    walk.walk(operations)
    begun = {*walk.done, *walk.failed}
    after: list[PlannerError] = []
    back: str | None = None
    whole = not walk.unserving and not walk.skipped
    if walk.broken is None and (whole or not run.stopped()):
        if walk.unserving and walk.switched and run.previous is not None:
            failure = go_back(run, perform, lock, run.previous)
            after += [failure] if failure else []
            back = None if failure else run.previous
        elif whole or run.previous is None:
            _confirm(run, walk, operations, after)
    serves = back is not None or whole or _still_serves(plan, run.host, begun)
    failed = walk.failed.values()
    errors = [*(_explain(run, walk, step, item, serves, back) for step, item in failed), *after]
    if run.stopped() and walk.skipped and not any(isinstance(e, Interrupted) for e in errors):
        errors.append(interrupted(run, len(walk.done), len(operations)))
    return HostResult(
        run.host, tuple(walk.done), tuple(walk.failed), tuple(walk.skipped), tuple(errors)
    )


def _previous(plan: Plan, seen: Observed) -> str | None:
    """The release that a host comes back to when the plan fails there; None when there is none."""
    safe = safe_release(seen)
    return None if safe == plan.releases.get(seen.host) else safe


def _confirm(
    run: HostRun, walk: Walk, operations: tuple[Operation, ...], errors: list[PlannerError]
) -> None:
    """Note on the host that the release stays, and what has answered."""
    if not any(isinstance(step, ActivateRelease | VerifyWorkload) for step in operations):
        return
    try:
        run.change(steps.confirm(run.layout, walk.proven))
    except PlannerError as problem:
        errors.append(problem)


def perform(run: HostRun, step: Operation) -> ready.Answered | None:
    """Do one operation; when a workload answered, where that is one. Raises PlannerError when it
    fails."""
    layout = run.layout
    if isinstance(step, StopWorkload | ActivateRelease) and run.watched and run.previous:
        # from here on the old release does not serve whole any more
        run.change(steps.watch(layout, WINDOW_SECONDS, run.previous))
    match step:
        case PushArtifact():
            transfer.push(run, step)
        case FetchArtifact():
            transfer.fetch(run, step)
        case PutSecret():
            value = run.options.secrets[step.source.name]
            run.change(steps.put_secret(layout, step.place, step.owner, step.users, value))
        case WriteRelease():
            transfer.write(run, step)
        case StopWorkload(workload=seen):
            stop = steps.stop(layout, seen.runtime, seen.name, patience=steps.ALONE_SECONDS)
            run.change(stop, seconds=_STOP_SECONDS)
        case StartSurge(workload=workload):
            surge = steps.surge(layout, workload.runtime, workload.name)
            run.change(surge, seconds=_START_SECONDS)
        case StopSurge(workload=workload):
            name, patience = workload.name, steps.SERVED_SECONDS
            end = steps.stop(layout, workload.runtime, name, patience=patience)
            run.change(end, seconds=_STOP_SECONDS + patience)
        case ActivateRelease():
            run.change(steps.activate(layout, step.release))
        case StartWorkload():
            _start(run, step)
        case LoadAdapter():
            prove.load(run, step)
        case UnloadAdapter():
            prove.unload(run, step)
        case VerifyWorkload():
            return _verify(run, step)
        case RemoveArtifact():
            run.change(steps.remove(layout, step.key), seconds=_STOP_SECONDS)
        case RemoveData():
            run.change(steps.remove_data(layout, step.name), seconds=_STOP_SECONDS)
        case RemoveProject():
            run.change(steps.remove_project(layout), seconds=_STOP_SECONDS)
        case _:
            raise PlannerError(f"planner does not know how to do {step.kind}")
    return None


def _start(run: HostRun, step: StartWorkload) -> None:
    """Start a workload, or put it in the place of the one that runs."""
    name, runtime, patience = step.workload.name, step.workload.runtime, 0
    start = steps.start(run.layout, runtime, name)
    if step.replaces:
        if step.workload.engine:  # services finish by themselves what they are at
            patience = steps.SERVED_SECONDS if step.surge else steps.ALONE_SECONDS
        start = steps.replace(run.layout, runtime, name, patience=patience)
    run.change(start, seconds=_START_SECONDS + patience)
    if step.workload.secrets:
        run.change(steps.secrets_read(run.layout, name))


def _verify(run: HostRun, step: VerifyWorkload) -> ready.Answered:
    """See that a workload answers and is as it was told."""
    answered = ready.wait_ready(run, step.workload)
    unsaid = prove.prove(run, step.workload)
    if unsaid:
        run.emit(OperationProgress(step, text=f"does not tell {', '.join(unsaid)}"))
    return answered


def _explain(
    run: HostRun, walk: Walk, step: Operation, problem: PlannerError, serves: bool, back: str | None
) -> PlannerError:
    """The failure with host, step, cause and what to type next; its class says what serves now."""
    alone = None
    if run.watched and run.previous and walk.switched:
        alone = (
            f"{run.host} goes back to release {run.previous[:SHORT]} by itself in "
            f"{WINDOW_SECONDS} to {WINDOW_SECONDS + SILENCE_SECONDS} s, unless you run the same "
            "command again before"
        )
    if isinstance(problem, Interrupted) and alone:
        problem.advice = alone
    if isinstance(problem, Interrupted | HostLocked):
        return problem
    summary = f"{step.kind} {step.target} failed"
    cause = problem.cause or problem.summary
    if isinstance(problem, ConnectionLost):
        advice = alone or problem.advice
        return ConnectionLost(summary, where=run.host, cause=cause, advice=advice)
    kind = ApplyFailedServing if serves else ApplyFailed
    advice = problem.advice or "put that right, then run the same command again"
    if back is not None:
        summary += f"; the host is back on release {back[:SHORT]}, and that answers"
    return kind(summary, where=run.host, cause=cause, advice=advice)


def _still_serves(plan: Plan, host: str, begun: Collection[str]) -> bool:
    """Whether the host serves what it served before: something ran, and nothing was stopped."""
    stopping = [
        step.id
        for step in plan.of(host)
        if isinstance(step, StopWorkload) or (isinstance(step, StartWorkload) and step.replaces)
    ]
    ran = bool(plan.kept.get(host) or stopping)
    return ran and not any(name in begun for name in stopping)
