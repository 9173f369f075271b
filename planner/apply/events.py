"""What happens while a plan is carried out: values, handed to a callback, drawn by views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planner.diff.values import Operation
from planner.errors import PlannerError


@dataclass(frozen=True, slots=True)
class HostStarted:
    """Work on a host has begun; ``operations`` are to be done there."""

    host: str
    operations: int


@dataclass(frozen=True, slots=True)
class OperationStarted:
    """An operation has begun."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class OperationProgress:
    """An operation goes on: bytes done, of how many when that is known, or words."""

    operation: Operation
    done_bytes: int | None = None
    total_bytes: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class OperationDone:
    """An operation is done, ``seconds`` after it began."""

    operation: Operation
    seconds: float


@dataclass(frozen=True, slots=True)
class OperationFailed:
    """An operation failed."""

    operation: Operation
    error: PlannerError


@dataclass(frozen=True, slots=True)
class OperationSkipped:
    """An operation was not tried; ``why`` names what it waited for."""

    operation: Operation
    why: str


@dataclass(frozen=True, slots=True)
class HostReturns:
    """Something failed, and the host goes back to the release that served."""

    host: str
    release: str


@dataclass(frozen=True, slots=True)
class HostFinished:
    """Work on a host has ended; with an error when not everything was done."""

    host: str
    error: PlannerError | None = None


Event = (
    HostStarted
    | OperationStarted
    | OperationProgress
    | OperationDone
    | OperationFailed
    | OperationSkipped
    | HostReturns
    | HostFinished
)
OnEvent = Callable[[Event], None]
