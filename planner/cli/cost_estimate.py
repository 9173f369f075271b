"""The verb ``cost estimate``."""

from __future__ import annotations

from planner.cli.costs import MaxAgeOption, StrictOption, age_limit, refuse
from planner.cli.options import BlueprintPath, ReportFormat, ReportOption, tell, write, write_json


def command(
    blueprint: BlueprintPath,
    strict: StrictOption = False,
    max_age: MaxAgeOption = 31,
    format: ReportOption = ReportFormat.TEXT,
) -> None:
    """What a month of 730 hours costs, line by line, with basis, source and age.

    Exit code 3 when that is over the budget, when a rental costs more than its at_most, and with
    --strict when a quote is too old.
    """
    from planner import costing, workflows
    from planner.views import cost as view
    from planner.views.terminal import stdout_style

    validated = workflows.validate(blueprint, headers=True)
    report, notes = costing.estimate(validated, age_limit(max_age, strict))
    if format is ReportFormat.JSON:
        write_json(view.cost_to_dict(report))
    elif format is ReportFormat.MARKDOWN:
        write(view.cost_to_markdown(report))
    else:
        write(view.cost_to_text(report, stdout_style()))
    tell(notes)
    refuse(report.diagnostics, str(blueprint))
    tell(report.diagnostics)
