"""The verb ``cost estimate``."""

from __future__ import annotations

from datetime import UTC, datetime

from planner.cli.options import BlueprintPath, ReportFormat, ReportOption, tell, write, write_json
from planner.diagnostics import has_errors
from planner.errors import BlueprintInvalid


def command(blueprint: BlueprintPath, format: ReportOption = ReportFormat.TEXT) -> None:
    """What a month of 730 hours costs, line by line, with basis, source and age.

    Exit code 3 when that is over the budget.
    """
    from planner import workflows
    from planner.views import cost as view
    from planner.views.terminal import stdout_style

    validated = workflows.validate(blueprint, headers=True)
    report, notes = workflows.cost(validated, datetime.now(UTC).date())
    if format is ReportFormat.JSON:
        write_json(view.cost_to_dict(report))
    elif format is ReportFormat.MARKDOWN:
        write(view.cost_to_markdown(report))
    else:
        write(view.cost_to_text(report, stdout_style()))
    tell(notes)
    if has_errors(report.diagnostics):
        raise BlueprintInvalid(
            "the month costs more than the blueprint allows",
            where=str(blueprint),
            advice="raise budget.monthly, or take out a line above",
            diagnostics=report.diagnostics,
        )
    tell(report.diagnostics)
