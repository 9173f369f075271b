"""Carries a plan out: walks each host's operations, all hosts at once. It decides nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from planner.apply import prove, ready, steps, transfer
from planner.apply.connections import Connections
from planner.apply.events import (
    Event,
    HostFinished,
    HostStarted,
    OnEvent,
    OperationDone,
    OperationFailed,
    OperationProgress,
    OperationSkipped,
    OperationStarted,
)
from planner.apply.locked import locked
from planner.apply.observe import observe_host
from planner.apply.result import ApplyResult, HostMovedOn, HostResult
from planner.apply.run import HostRun, RunOptions
from planner.apply.steps import Layout
from planner.apply.stopping import stopping
from planner.diff.values import (
    ActivateRelease,
    FetchArtifact,
    LoadAdapter,
    Operation,
    Plan,
    PushArtifact,
    PutSecret,
    RemoveArtifact,
    RemoveData,
    RemoveProject,
    StartWorkload,
    StopWorkload,
    UnloadAdapter,
    VerifyWorkload,
    WriteRelease,
)
from planner.errors import (
    ApplyFailed,
    ApplyFailedServing,
    Interrupted,
    PlannerError,
)
from planner.remote.transport import ConnectionLost, Transport

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
    """Do everything in the plan. One host's failure leaves the others alone.

    ``failures`` are hosts that could not be asked when the plan was made: they are part of the
    result. Ctrl-C lets every host finish its step; a second one ends at once.
    """
    told = threading.Lock()

    def tell(event: Event) -> None:
        with told:
            on_event(event)

    with stopping() as stopped:

        def work(host: str, transport: Transport) -> HostResult:
            run = HostRun(host, transport, layout, options, tell, stopped.is_set)
            return _host(run, plan)

        outcomes = connections.each(plan.hosts, work)
    results = {
        host: HostResult(host, errors=(failure,)) for host, failure in (failures or {}).items()
    }
    for host, outcome in outcomes.items():
        if isinstance(outcome, PlannerError):
            ids = tuple(step.id for step in plan.of(host))
            outcome = HostResult(host, not_tried=ids, errors=(outcome,))
        results[host] = outcome
    for host in plan.reasons:
        results.setdefault(host, HostResult(host))
    return ApplyResult(results)


def _host(run: HostRun, plan: Plan) -> HostResult:
    """Do one host's part, under its lock."""
    operations = plan.of(run.host)
    run.emit(HostStarted(run.host, len(operations)))
    try:
        with locked(run):
            _not_moved_on(run, plan)
            result = _walk(run, plan, operations)
    except PlannerError as problem:
        ids = tuple(step.id for step in operations)
        result = HostResult(run.host, not_tried=ids, errors=(problem,))
    run.emit(HostFinished(run.host, result.errors[0] if result.errors else None))
    return result


def _not_moved_on(run: HostRun, plan: Plan) -> None:
    """Raises HostMovedOn when the host is not as the plan saw it."""
    seen = observe_host(run.host, run.transport, run.layout)
    if seen.fingerprint != plan.seen.get(run.host):
        raise HostMovedOn(
            f"{run.host} is not as it was when the plan was made; nothing was changed there",
            where=run.host,
            cause="somebody else has changed it meanwhile",
            advice="make a new plan: planner plan BLUEPRINT",
        )


def _walk(run: HostRun, plan: Plan, operations: tuple[Operation, ...]) -> HostResult:
    """Do the operations in their order; what depends on a failed one is not tried."""
    done: list[str] = []
    failed: list[str] = []
    skipped: list[str] = []
    errors: list[PlannerError] = []
    broken: PlannerError | None = None
    for step in operations:
        why = _hindrance(run, step, {*failed, *skipped}, broken)
        if why is not None:
            skipped.append(step.id)
            run.emit(OperationSkipped(step, why))
            continue
        begun = run.options.clock()
        run.emit(OperationStarted(step))
        try:
            perform(run, step)
        except PlannerError as problem:
            failed.append(step.id)
            error = _explain(run, plan, step, problem, [*done, *failed])
            errors.append(error)
            broken = error if isinstance(problem, ConnectionLost) else None
            run.emit(OperationFailed(step, error))
            continue
        done.append(step.id)
        run.emit(OperationDone(step, run.options.clock() - begun))
    if run.stopped() and skipped and not any(isinstance(error, Interrupted) for error in errors):
        errors.append(
            Interrupted(
                f"stopped on {run.host} after {len(done)} of {len(operations)} operations",
                where=run.host,
                advice="run the same command again: it goes on where it stopped",
            )
        )
    return HostResult(run.host, tuple(done), tuple(failed), tuple(skipped), tuple(errors))


def _hindrance(
    run: HostRun, step: Operation, not_done: set[str], broken: PlannerError | None
) -> str | None:
    """Why an operation cannot be tried."""
    if run.stopped():
        return "the run was stopped"
    if broken is not None:
        return "the connection broke"
    waits = next((name for name in step.depends_on if name in not_done), None)
    return None if waits is None else f"{waits.partition('/')[2]} was not done"


def perform(run: HostRun, step: Operation) -> None:
    """Do one operation. Raises PlannerError when it fails."""
    layout = run.layout
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
            run.change(steps.stop(layout, seen.runtime, seen.name), seconds=_STOP_SECONDS)
        case ActivateRelease():
            run.change(steps.activate(layout, step.release))
        case StartWorkload(workload=workload):
            if workload.settings:
                run.change(steps.mark(layout, workload.name, proven=False))
            command = steps.start(layout, workload.runtime, workload.name, replace=step.replaces)
            run.change(command, seconds=_START_SECONDS)
            if workload.secrets:
                run.change(steps.secrets_read(layout, workload.name))
        case LoadAdapter():
            prove.load(run, step)
        case UnloadAdapter():
            prove.unload(run, step)
        case VerifyWorkload():
            ready.wait_ready(run, step.workload)
            unsaid = prove.prove(run, step.workload)
            if unsaid:
                run.emit(OperationProgress(step, text=f"does not tell {', '.join(unsaid)}"))
            if step.workload.settings:
                run.change(steps.mark(layout, step.workload.name, proven=True))
        case RemoveArtifact():
            run.change(steps.remove(layout, step.key), seconds=_STOP_SECONDS)
        case RemoveData():
            run.change(steps.remove_data(layout, step.name), seconds=_STOP_SECONDS)
        case RemoveProject():
            run.change(steps.remove_project(layout), seconds=_STOP_SECONDS)
        case _:
            raise PlannerError(f"planner does not know how to do {step.kind}")


def _explain(
    run: HostRun, plan: Plan, step: Operation, problem: PlannerError, begun: list[str]
) -> PlannerError:
    """The failure with host, step, cause and what to type next; its class says what serves now."""
    if isinstance(problem, Interrupted):
        return problem
    summary = f"{step.kind} {step.target} failed"
    cause = problem.cause or problem.summary
    if isinstance(problem, ConnectionLost):
        return ConnectionLost(summary, where=run.host, cause=cause, advice=problem.advice)
    kind = ApplyFailedServing if _still_serves(plan, run.host, begun) else ApplyFailed
    advice = problem.advice or "put that right, then run the same command again"
    return kind(summary, where=run.host, cause=cause, advice=advice)


def _still_serves(plan: Plan, host: str, begun: list[str]) -> bool:
    """Whether the host serves what it served before: something ran, and nothing was stopped."""
    stopping = [
        step.id
        for step in plan.of(host)
        if isinstance(step, StopWorkload) or (isinstance(step, StartWorkload) and step.replaces)
    ]
    ran = bool(plan.kept.get(host) or stopping)
    return ran and not any(name in begun for name in stopping)
