"""What plan, apply and destroy share: asking, progress, saving a plan, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer

from planner.cli.failures import show
from planner.cli.options import Format, tell, write, write_json
from planner.deployment import Planned, remember, secrets_for
from planner.deployment import carry_out as _carry_out
from planner.diagnostics import warning
from planner.errors import PlannerError, RecordUnusable, UsageError

if TYPE_CHECKING:
    from planner.apply.result import ApplyResult
    from planner.secret import SecretValue


def show_plan(planned: Planned, format: Format) -> None:
    """The plan on standard output."""
    from planner.views.plan import plan_to_dict, plan_to_text

    if format is Format.JSON:
        write_json(plan_to_dict(planned.plan, cost_of(planned)))
    else:
        write(plan_to_text(planned.plan))


def cost_of(planned: Planned) -> dict[str, Any]:
    """What a month costs once the plan is done; nothing where nothing is to run."""
    if planned.farm is None or not planned.replicas:
        return {}
    from planner.costing import month
    from planner.farm import Placement
    from planner.views.cost import cost_to_dict

    report = cost_to_dict(month(Placement(planned.farm, planned.replicas), planned.path))
    return {key: report[key] for key in ("currency", "monthly", "hourly", "budget")}


def ask(yes: bool, question: str) -> None:
    """Ask before changing anything. Raises UsageError when nobody can answer or says no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody is there to answer, so nothing was changed",
            advice="add --yes to go ahead without asking",
        )
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("not confirmed: nothing was changed")


def end_unchanged(planned: Planned) -> None:
    """End a command that found nothing to do; a record that lags behind the hosts catches up."""
    try:
        tell(remember(planned))
    except RecordUnusable as problem:
        tell((warning(problem.summary, detail=f"{problem.where}: {problem.cause}"),))
    end_with(planned.unreachable.values())


def carry_out(planned: Planned, what: str) -> ApplyResult:
    """Carry the plan out, drawing its progress on standard error.

    Raises RecordUnusable before anything is done when it could not be remembered.
    """
    from planner.views.progress import progress

    # before anything is drawn: a secret may have to be typed
    values = secrets_for(planned, ask_secret)
    tell(remember(planned))
    with progress(sys.stderr, planned.plan) as on_event:
        return _carry_out(planned, on_event, what, values)


def ask_secret(name: str) -> SecretValue:
    """A secret that the user types, unseen. Raises UsageError when nobody can."""
    import getpass

    from planner.secret import SecretValue

    if not sys.stdin.isatty():
        raise UsageError(
            f"nobody is there to type secret {name!r}, so nothing was changed",
            advice="run the command in a terminal, or write where the secret is: "
            f"secrets: {{{name}: {{env: VARIABLE}}}}",
        )
    typed = getpass.getpass(f"secret {name}: ", sys.stderr)
    if not typed:
        raise UsageError(f"secret {name!r} is empty: nothing was changed")
    return SecretValue(typed.encode())


def end_with(errors: Iterable[PlannerError], otherwise: int = 0) -> None:
    """Show every host's failure, and end with the gravest exit code or ``otherwise``."""
    failures = list(errors)
    for failure in failures:
        show(failure)
    code = otherwise or max((failure.exit_code for failure in failures), default=0)
    if code:
        raise typer.Exit(code)
