"""Waits until a workload answers, and gives up early when it has died."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planner.apply import steps
from planner.apply.run import HostRun
from planner.errors import PlannerError
from planner.remote.transport import HttpRequest
from planner.render.bundle import Probe, Workload

STAY_UP_SECONDS: Final = 2.0  # how long something without a probe must live to count as started
# What answers once and dies a moment later was never ready. Engines that run out of memory with the
# first real work do so within seconds; supervisors start them again after five at most.
HEALTHY_SECONDS: Final = 8.0
LOG_LINES: Final = 15
_ALIVE: Final = frozenset({"running", "active", "activating", "reloading", "created"})
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """How a workload was seen to be: ``state`` in its runtime's word, ``detail`` and ``log`` of its
    last run, or of the one before when it was restarted and runs."""

    state: str
    restarts: int
    detail: str
    log: str

    @property
    def alive(self) -> bool:
        """Whether it runs or is about to."""
        return self.state in _ALIVE


@dataclass(frozen=True, slots=True)
class Answered:
    """When a workload answered first, by the run's clock, and how it was then."""

    at: float
    look: Look


def look_at(run: HostRun, workload: Workload, *, log_lines: int = 0) -> Look:
    """See how a workload is. Raises PlannerError when the host cannot tell."""
    command = steps.look(run.layout, workload.runtime, workload.name, log_lines=log_lines)
    first, _, log = run.check(command).stdout.partition("\n")
    state, restarts, detail = [*first.split(" ", 2), "", "", ""][:3]
    return Look(state, int(restarts) if restarts.isdigit() else 0, detail.strip(), log.rstrip())


def request_of(probe: Probe) -> HttpRequest:
    """The HTTP request that a probe stands for."""
    return HttpRequest(probe.port, probe.path, probe.address, probe.body)


def wait_ready(run: HostRun, workload: Workload) -> Answered:
    """Return once the workload answers its probe, or has stayed up when it has none.

    Raises PlannerError, with the last lines of its log, when it dies or its time is over;
    Interrupted when the user stops the run.
    """
    probe = workload.probe
    started = now = run.options.clock()
    limit = STAY_UP_SECONDS if probe is None else float(probe.seconds)
    pause = _FIRST_PAUSE
    first = _alive(run, workload, None)
    while True:
        answers = probe is not None and _answers(run, probe)
        over = now - started >= limit
        # something else may answer on that port: ours must be alive as well
        look = _alive(run, workload, first)
        if answers or (probe is None and over):
            return Answered(run.options.clock(), look)
        if over:
            raise _failure(run, workload, f"it did not answer within {limit:.0f} s")
        run.go_on()
        run.options.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        now = run.options.clock()


def stay_ready(run: HostRun, workload: Workload, answered: Answered) -> None:
    """Return once the workload has lived and answered for HEALTHY_SECONDS.

    Raises PlannerError, with the last lines of its log, when it has not; Interrupted when the user
    stops the run.
    """
    left = answered.at + HEALTHY_SECONDS - run.options.clock()
    while left > 0:
        run.go_on()
        run.options.sleep(min(left, _LONGEST_PAUSE))
        left = answered.at + HEALTHY_SECONDS - run.options.clock()
    _alive(run, workload, answered.look)
    if workload.probe is not None and not _answers(run, workload.probe):
        why = f"it answered, and {HEALTHY_SECONDS:.0f} s later it did not any more"
        raise _failure(run, workload, why)


def _answers(run: HostRun, probe: Probe) -> bool:
    answer = run.transport.http(request_of(probe))
    return answer is not None and answer.ok


def _alive(run: HostRun, workload: Workload, first: Look | None) -> Look:
    """See that it lives and was not restarted since ``first``."""
    look = look_at(run, workload)
    ended = f" ({look.detail})" if look.detail else ""
    if not look.alive:
        raise _failure(run, workload, f"it is {look.state}{ended}")
    if first is not None and look.restarts > first.restarts:
        raise _failure(run, workload, f"it was restarted{ended}")
    return look


def _failure(run: HostRun, workload: Workload, why: str) -> PlannerError:
    log = look_at(run, workload, log_lines=LOG_LINES).log
    lines = f"; the end of its log:\n{log}" if log else "; its log is empty"
    return PlannerError(f"{workload.name} is not ready: {why}", where=run.host, cause=why + lines)
