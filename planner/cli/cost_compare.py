"""The verb ``cost compare``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.costs import MaxAgeOption, StrictOption, age_limit, refuse
from planner.cli.options import BlueprintPath, ReportFormat, ReportOption, tell, write, write_json


def command(
    blueprint: BlueprintPath,
    cpu: Annotated[
        str | None, typer.Option("--cpu", help="The CPU to compare with; by default the farm's.")
    ] = None,
    strict: StrictOption = False,
    max_age: MaxAgeOption = 31,
    format: ReportOption = ReportFormat.TEXT,
) -> None:
    """The same farm rented at each provider, bought, or on CPU and RAM: money and speed.

    Exit code 3 with --strict when a quote of the farm as written is too old.
    """
    from planner import costing, workflows
    from planner.views import cost_compare as view
    from planner.views.terminal import stdout_style

    validated = workflows.validate(blueprint, headers=True)
    found = costing.compare(validated, age_limit(max_age, strict), cpu)
    if format is ReportFormat.JSON:
        write_json(view.compare_to_dict(found))
    elif format is ReportFormat.MARKDOWN:
        write(view.compare_to_markdown(found))
    else:
        write(view.compare_to_text(found, stdout_style()))
    if strict:
        refuse(found.diagnostics, str(blueprint))
    tell(found.diagnostics)
