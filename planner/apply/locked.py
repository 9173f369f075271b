"""Holds a host's lock while a run is at work there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from planner.apply import steps
from planner.apply.run import LOCKED, HostRun, said
from planner.errors import HostLocked, PlannerError
from planner.remote.hold import SILENCE_SECONDS
from planner.remote.transport import Holding, Result


@contextmanager
def locked(run: HostRun) -> Iterator[Holding]:
    """Hold the project's lock on the host. Raises HostLocked, naming the holder.

    The lock ends with the connection: a run that is gone, or a machine that is cut off, leaves
    nothing that somebody would have to clear away.
    """
    command = steps.lock(run.layout, run.options.token, run.options.holder, SILENCE_SECONDS)
    held = run.transport.hold(command.argv)
    if isinstance(held, Result):
        raise _refused(run, held)
    try:
        yield held
    finally:
        held.release()


def _refused(run: HostRun, result: Result) -> PlannerError:
    if result.exit == LOCKED:
        return HostLocked(
            f"another run is at work on {run.host}",
            where=run.host,
            cause=f"the lock says: {result.stdout.strip()}",
            advice=f"wait for it; to end it: planner unlock BLUEPRINT --host {run.host}",
        )
    return PlannerError(
        f"the lock on {run.host} cannot be taken", where=run.host, cause=said(result)
    )
