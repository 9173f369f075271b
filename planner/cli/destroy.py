"""The verb ``destroy``."""

from __future__ import annotations

from planner.cli.apply import YesOption
from planner.cli.options import BlueprintPath, Format, FormatOption, say, write, write_json


def command(
    blueprint: BlueprintPath, yes: YesOption = False, format: FormatOption = Format.TEXT
) -> None:
    """Take everything off the hosts that planner put there for this project, after asking.

    What planner did not make is left alone.
    """
    from planner import deployment
    from planner.cli.applying import ask, carry_out, end_with
    from planner.views.plan import plan_to_dict, plan_to_text

    with deployment.clearing(blueprint) as planned:
        if format is Format.JSON:
            write_json(plan_to_dict(planned.plan))
        else:
            write(plan_to_text(planned.plan))
        if planned.plan.empty:
            end_with(planned.unreachable.values())
            return
        ask(yes, "Remove all of this?")
        result = carry_out(planned, "destroy")
    if result.exit_code == 0:
        say("done; nothing of the project is left on the hosts")
    end_with(result.errors, otherwise=result.exit_code)
