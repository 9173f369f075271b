"""Failures that end a command, one class per exit code of the command line.

    PlannerError                 1  a fault of planner's own
    ├── UsageError               2  wrong usage
    ├── BlueprintInvalid         3  invalid, does not fit, or breaks the budget
    ├── HostUnreachable          4
    ├── HostLocked               5  another run holds the host
    ├── RecordUnusable           6
    ├── ProviderUnclear          7  a provider's answer is unknown or money is at risk
    ├── ApplyFailedServing       8  apply failed, the previous version serves
    ├── ApplyFailed              9  apply failed, and nothing serves
    ├── DifferencesFound        10  plan and drift with --detailed-exitcode
    ├── TrustRefused            11  unknown or changed host key
    └── Interrupted            130

Everything a user, a host or a provider can do ends as one of these, with a message that says what,
where, why and what to type next. A traceback is a fault of planner's own.
"""

from __future__ import annotations

from planner.diagnostics import Diagnostic


class PlannerError(Exception):
    """Base of all. ``advice`` is the next thing to type; ``where`` a host or document path."""

    exit_code = 1

    def __init__(
        self,
        summary: str,
        *,
        where: str | None = None,
        cause: str | None = None,
        advice: str | None = None,
        diagnostics: tuple[Diagnostic, ...] = (),
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.where = where
        self.cause = cause
        self.advice = advice
        self.diagnostics = diagnostics


class UsageError(PlannerError):
    """Wrong usage of a command."""

    exit_code = 2


class BlueprintInvalid(PlannerError):
    """The blueprint is invalid, does not fit its hosts, or breaks its budget."""

    exit_code = 3


class HostUnreachable(PlannerError):
    """A host did not answer, or refused the login."""

    exit_code = 4


class HostLocked(PlannerError):
    """Another run is at work on the host."""

    exit_code = 5


class RecordUnusable(PlannerError):
    """The record on disk cannot be read or written."""

    exit_code = 6


class ProviderUnclear(PlannerError):
    """A rental provider's answer is unknown, or money is at risk."""

    exit_code = 7


class ApplyFailedServing(PlannerError):
    """An apply failed; the previous version serves."""

    exit_code = 8


class ApplyFailed(PlannerError):
    """An apply failed, and what it replaced does not serve."""

    exit_code = 9


class DifferencesFound(PlannerError):
    """There are differences, and the caller asked for them as an exit code."""

    exit_code = 10


class TrustRefused(PlannerError):
    """A host key is unknown or has changed."""

    exit_code = 11


class Interrupted(PlannerError):
    """The user stopped the run; everything done is recorded."""

    exit_code = 130
