"""The verb ``drift``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.options import BlueprintPath, Format, FormatOption, tell


def command(
    blueprint: BlueprintPath,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 10 when there is drift.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """What on the hosts is not as the blueprint says, each with its cause. Changes nothing."""
    from planner import deployment
    from planner.cli.applying import end_with, show_plan

    with deployment.planning(blueprint) as planned:
        show_plan(planned, format)
        tell(planned.plan.diagnostics)
        differs = detailed_exitcode and not planned.plan.empty
    end_with(planned.unreachable.values(), otherwise=10 if differs else 0)
