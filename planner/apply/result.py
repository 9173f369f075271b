"""What an apply came to, host by host, and the exit code that says so."""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.errors import (
    ApplyFailed,
    ApplyFailedServing,
    HostLocked,
    Interrupted,
    PlannerError,
    TrustRefused,
)

# the worst comes first: with several failures, its code is the command's
_WORST = (Interrupted, ApplyFailed, ApplyFailedServing, TrustRefused, HostLocked)


class HostMovedOn(ApplyFailedServing):
    """The host is not as it was when the plan was made; nothing was changed there."""


@dataclass(frozen=True, slots=True)
class HostResult:
    """One host: ids of operations done, failed and not tried; the error that decides."""

    host: str
    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    not_tried: tuple[str, ...] = ()
    errors: tuple[PlannerError, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything planned for the host was done."""
        return not self.errors


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """All hosts, by name."""

    hosts: dict[str, HostResult] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[PlannerError, ...]:
        """Every failure."""
        return tuple(error for host in self.hosts.values() for error in host.errors)

    @property
    def exit_code(self) -> int:
        """0 when all was done, else the code of the gravest failure."""
        for kind in _WORST:
            for error in self.errors:
                if isinstance(error, kind):
                    return error.exit_code
        return self.errors[0].exit_code if self.errors else 0
