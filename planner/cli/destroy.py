"""The verb ``destroy``."""

from __future__ import annotations

from planner.cli.options import BlueprintPath, Format, FormatOption, YesOption, say


def command(
    blueprint: BlueprintPath, yes: YesOption = False, format: FormatOption = Format.TEXT
) -> None:
    """Take everything off the hosts that planner put there for this project, after asking.

    What planner did not make is left alone.
    """
    from planner import deployment
    from planner.cli.applying import ask, carry_out, end_unchanged, end_with, show_plan

    with deployment.clearing(blueprint) as planned:
        show_plan(planned, format)
        if planned.plan.empty:
            end_unchanged(planned)
            return
        ask(yes, "Remove all of this?")
        result = carry_out(planned, "destroy")
    if result.exit_code == 0:
        say("done; nothing of the project is left on the hosts")
    end_with(result.errors, otherwise=result.exit_code)
