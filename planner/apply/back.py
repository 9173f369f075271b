"""Takes a host back to the release that served, when its next one has failed."""

from __future__ import annotations

from planner.apply import steps
from planner.apply.events import HostReturns
from planner.apply.observe import observe_host
from planner.apply.outcomes import Outcomes
from planner.apply.run import HostRun
from planner.apply.walk import Perform, Walk
from planner.diff.causes import SHORT
from planner.diff.rollback import way_back
from planner.errors import ApplyFailed, PlannerError
from planner.remote.transport import Holding


def go_back(run: HostRun, perform: Perform, lock: Holding, release: str) -> PlannerError | None:
    """Make ``release`` current again and see that what it runs answers; what failed on the way.

    The host is looked at anew: wherever the failure has left it, the difference leads back.
    """
    run.emit(HostReturns(run.host, release))
    try:
        seen = observe_host(run.host, run.transport, run.layout)
        if release not in seen.manifests:
            return _lost(run, release, "it is not on the host any more")
        walk = Walk(run, perform, lock, Outcomes(), whole=True)
        walk.walk(way_back(run.layout.project, seen, release))
        for step, problem in walk.failed.values():
            why = problem.cause or problem.summary
            return _lost(run, release, f"{step.kind} {step.target} failed: {why}")
        if walk.skipped:
            return _lost(run, release, "the run was stopped")
        run.change(steps.confirm(run.layout, walk.proven))
    except PlannerError as problem:
        return _lost(run, release, problem.cause or problem.summary)
    return None


def _lost(run: HostRun, release: str, cause: str) -> PlannerError:
    return ApplyFailed(
        f"the way back to release {release[:SHORT]} failed",
        where=run.host,
        cause=cause,
        advice="put that right, then run the same command again",
    )
