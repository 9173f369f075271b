"""The verb ``drift``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.options import BlueprintPath, Format, FormatOption, tell, write, write_json


def command(
    blueprint: BlueprintPath,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 10 when there is drift.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """What on the hosts is not as the blueprint says, each with its cause. Changes nothing.

    The plan that apply would carry out, and what it would leave: drop-ins, settings of containers
    and engines that somebody changed, strangers on ports and cards.
    """
    from planner import deployment, drifting
    from planner.cli.applying import cost_of, end_with
    from planner.views.drift import drift_to_list, drift_to_text
    from planner.views.plan import plan_to_dict, plan_to_text

    with deployment.planning(blueprint) as planned:
        found = drifting.closer(planned)
        if format is Format.JSON:
            plan = plan_to_dict(planned.plan, cost_of(planned))
            write_json({**plan, "found": drift_to_list(found)})
        else:
            write(plan_to_text(planned.plan) + drift_to_text(found))
        tell(planned.plan.diagnostics)
        differs = detailed_exitcode and not (planned.plan.empty and not found)
    end_with(planned.unreachable.values(), otherwise=10 if differs else 0)
