"""The verb ``cost diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.costs import MaxAgeOption, StrictOption, age_limit, refuse
from planner.cli.options import ReportFormat, ReportOption, tell, write, write_json
from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.costing import Target


def command(
    before: Annotated[
        str,
        typer.Argument(metavar="A", help="A file, or REVISION:PATH.", show_default=False),
    ],
    after: Annotated[
        str | None,
        typer.Argument(metavar="[B]", help="A file, or REVISION:PATH.", show_default=False),
    ] = None,
    rev: Annotated[
        list[str] | None,
        typer.Option("--rev", help="A as of this Git revision; twice for one against another."),
    ] = None,
    strict: StrictOption = False,
    max_age: MaxAgeOption = 31,
    format: ReportOption = ReportFormat.TEXT,
) -> None:
    """What a change costs: two files, or one file in two Git revisions.

    A alone is set against the last commit. Both are priced with the prices of today. Exit code 3
    when B is over its budget.
    """
    from planner import costing
    from planner.views import cost_diff as view
    from planner.views.terminal import stdout_style

    old, new = _targets(before, after, rev or [])
    found = costing.diff(old, new, age_limit(max_age, strict))
    if format is ReportFormat.JSON:
        write_json(view.diff_to_dict(found, old.name, new.name))
    elif format is ReportFormat.MARKDOWN:
        write(view.diff_to_markdown(found, old.name, new.name))
    else:
        write(view.diff_to_text(found, old.name, new.name, stdout_style()))
    refuse(found.after.diagnostics, new.name)
    tell(item for item in found.after.diagnostics if item.severity.value != "note")


def _targets(before: str, after: str | None, revisions: list[str]) -> tuple[Target, Target]:
    """The two sides; one file is set against the last commit.

    Raises UsageError when more than two are named.
    """
    from planner.costing import target, target_in

    if after is not None and not revisions:
        return target(before), target(after)
    if after is None and len(revisions) <= 2:
        path = Path(before)
        newer = target_in(revisions[1], path) if len(revisions) == 2 else target(before)
        return target_in(revisions[0] if revisions else "HEAD", path), newer
    raise UsageError(
        "these are more than two sides",
        advice="name two files, or one and --rev once or twice",
    )
