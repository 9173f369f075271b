"""Walks one host's operations in their order. It decides nothing but what cannot be tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from planner.apply import ready
from planner.apply.events import (
    OperationDone,
    OperationFailed,
    OperationSkipped,
    OperationStarted,
)
from planner.apply.outcomes import Outcomes
from planner.apply.run import HostRun
from planner.diff.values import (
    ActivateRelease,
    Operation,
    RemoveArtifact,
    StartWorkload,
    StopSurge,
    StopWorkload,
    VerifyWorkload,
)
from planner.errors import Interrupted, PlannerError
from planner.remote.transport import ConnectionLost, Holding
from planner.render.bundle import Workload

Perform = Callable[[HostRun, Operation], "ready.Answered | None"]


@dataclass(frozen=True, slots=True)
class _Answering:
    """A workload that has answered and has to go on doing so for a while."""

    step: VerifyWorkload
    answered: ready.Answered
    begun: float


@dataclass
class Walk:
    """One host's walk. ``whole`` says that nothing more is tried once something has failed,
    because the host then goes back."""

    run: HostRun
    perform: Perform
    lock: Holding
    outcomes: Outcomes
    whole: bool = False
    done: list[str] = field(default_factory=list)
    failed: dict[str, tuple[Operation, PlannerError]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    proven: list[Workload] = field(default_factory=list)
    _switched: bool = False
    _answering: dict[str, _Answering] = field(default_factory=dict)

    @property
    def broken(self) -> PlannerError | None:
        """The loss of the connection or of the lock, after which nothing can be tried."""
        losses = (error for _, error in self.failed.values() if isinstance(error, ConnectionLost))
        return next(losses, None)

    @property
    def unserving(self) -> bool:
        """Whether something failed that the new release needs: more than clearing up."""
        clearing = RemoveArtifact | StopSurge
        return any(not isinstance(step, clearing) for step, _ in self.failed.values())

    @property
    def switched(self) -> bool:
        """Whether something was begun that takes the old release out of service."""
        return self._switched

    def walk(self, operations: Iterable[Operation]) -> None:
        """Do the operations; what depends on a failed one is not tried."""
        for step in operations:
            self._settle(step.depends_on)
            why = self._hindrance(step)
            if why is not None:
                self.skipped.append(step.id)
                self.outcomes.tell(step.id, False)
                self.run.emit(OperationSkipped(step, why))
                continue
            self._try(step)
        self._settle(tuple(self._answering))

    def _try(self, step: Operation) -> None:
        begun = self.run.options.clock()
        self._switched |= isinstance(step, StopWorkload | ActivateRelease | StartWorkload)
        self.run.emit(OperationStarted(step))
        try:
            answered = self.perform(self.run, step)
        except PlannerError as problem:
            self._fail(step, self._abandoned(step, problem))
            return
        if answered is not None and isinstance(step, VerifyWorkload):
            self._answering[step.id] = _Answering(step, answered, begun)
        else:
            self._succeed(step, begun)

    def _abandoned(self, step: Operation, problem: PlannerError) -> PlannerError:
        """The failure of a step: an interruption, where the user's patience has ended it."""
        if not (self.run.stopped() and isinstance(problem, ConnectionLost)):
            return problem
        return Interrupted(
            f"stopped on {self.run.host} while it was to {step.kind} {step.target}",
            where=self.run.host,
            cause="that step takes long; it may end by itself on the host",
            advice="run the same command again: it goes on where it stopped",
        )

    def _settle(self, names: Iterable[str]) -> None:
        """See that workloads which have answered go on doing so, before anything builds on it."""
        for name in names:
            waiting = self._answering.pop(name, None)
            if waiting is None:
                continue
            try:
                ready.stay_ready(self.run, waiting.step.workload, waiting.answered)
            except PlannerError as problem:
                self._fail(waiting.step, problem)
                continue
            self.proven.append(waiting.step.workload)
            self._succeed(waiting.step, waiting.begun)

    def _succeed(self, step: Operation, begun: float) -> None:
        self.done.append(step.id)
        self.outcomes.tell(step.id, True)
        self.run.emit(OperationDone(step, self.run.options.clock() - begun))

    def _fail(self, step: Operation, problem: PlannerError) -> None:
        self.failed[step.id] = (step, problem)
        self.outcomes.tell(step.id, False)
        self.run.emit(OperationFailed(step, problem))

    def _hindrance(self, step: Operation) -> str | None:
        """Why an operation cannot be tried."""
        if self.run.stopped():
            return "the run was stopped"
        if self.broken is not None:
            return "the connection broke"
        if self.whole and self.unserving:
            return "its release has failed"
        for name in step.depends_on:
            if not self._was_done(name):
                return self._undone(name)
        if self.lock.lost:
            return "the lock was lost"
        return None

    def _undone(self, name: str) -> str:
        if self.run.stopped():
            return "the run was stopped"
        host, _, what = name.partition("/")
        return f"{what} was not done" + ("" if host == self.run.host else f" on {host}")

    def _was_done(self, name: str) -> bool:
        if name.startswith(f"{self.run.host}/"):
            return name not in self.failed and name not in self.skipped
        return self.outcomes.wait(name, self.run.stopped)


def interrupted(run: HostRun, done: int, operations: int) -> Interrupted:
    """What a host's part ends with when the user has stopped the run."""
    return Interrupted(
        f"stopped on {run.host} after {done} of {operations} operations",
        where=run.host,
        advice="run the same command again: it goes on where it stopped",
    )
