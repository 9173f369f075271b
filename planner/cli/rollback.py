"""The verb ``rollback``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.options import BlueprintPath, Format, FormatOption, YesOption, say, tell

Release = Annotated[
    str | None,
    typer.Argument(
        metavar="[RELEASE]",
        help="A release that lies on a host, or the beginning of its name; by default the one "
        "before the current, on each host.",
        show_default=False,
    ),
]


def command(
    blueprint: BlueprintPath,
    release: Release = None,
    yes: YesOption = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Go back to an earlier release that lies on the hosts, after showing the plan and asking.

    Only what differs is restarted, and nothing is sent. The way forward again is apply.

    Exit codes: 0 done or nothing to do, 2 no such release, 4 a host could not be reached, 5
    locked, 8 refused or failed and what ran serves, 9 failed and it does not, 11 host key refused.
    """
    from planner import returning
    from planner.cli.applying import ask, carry_out, end_unchanged, end_with, show_plan

    with returning.going_back(blueprint, release) as planned:
        show_plan(planned, format)
        returning.refuse_incomplete(planned)
        tell(planned.plan.diagnostics)
        if planned.plan.empty:
            end_unchanged(planned)
            return
        ask(yes, "Go back?")
        result = carry_out(planned, "rollback")
    if result.exit_code == 0:
        say(f"done; forward again: planner apply {planned.path}")
    returning.advise_going_on(planned, result)
    end_with(result.errors, otherwise=result.exit_code)
