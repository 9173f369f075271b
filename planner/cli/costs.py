"""What the verbs about money share: the age of quotes, and how a broken budget ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from planner.diagnostics import Diagnostic, Severity
from planner.errors import BlueprintInvalid

if TYPE_CHECKING:
    from planner.cost.age import AgeLimit

StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit 3 when a quote is too old or has no date.")
]
MaxAgeOption = Annotated[
    int, typer.Option("--max-age", min=0, metavar="DAYS", help="How old a quote may be.")
]


def age_limit(days: int, strict: bool) -> AgeLimit:
    """The limit on the day of today."""
    from planner.cost.age import AgeLimit

    return AgeLimit(datetime.now(UTC).date(), days, strict)


def refuse(diagnostics: tuple[Diagnostic, ...], where: str) -> None:
    """Raises BlueprintInvalid (exit code 3) with all findings when one of them is an error."""
    wrong = [item for item in diagnostics if item.severity is Severity.ERROR]
    if not wrong:
        return
    over = any(item.path[:2] == ("budget", "monthly") for item in wrong)
    summary = "the month costs more than the blueprint allows" if over else "the costs do not hold"
    raise BlueprintInvalid(
        summary,
        where=where,
        advice="mend what is named above; warnings and notes may stand",
        diagnostics=diagnostics,
    )
