"""The verb ``apply``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import Format, FormatOption, RebalanceOption, YesOption, say, tell

Target = Annotated[
    Path,
    typer.Argument(
        metavar="BLUEPRINT|PLAN",
        help="The blueprint's file, or a plan saved with --out.",
        show_default=False,
    ),
]


def command(
    blueprint: Target,
    yes: YesOption = False,
    rebalance: RebalanceOption = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Make the hosts equal to the blueprint, after showing what changes and asking.

    A saved plan is refused by every host that is not as it was when the plan was made.

    Exit codes: 0 done or nothing to do, 3 invalid, 4 a host could not be reached, 5 locked, 8
    failed and the previous version serves, 9 failed and it does not, 11 host key refused.
    """
    from planner import deployment
    from planner.cli.applying import ask, carry_out, end_unchanged, end_with, show_plan
    from planner.errors import UsageError
    from planner.sources.plan_files import read_plan_file

    earlier = read_plan_file(blueprint)
    if earlier is not None and rebalance:
        raise UsageError(
            "a saved plan says already what moves",
            where="--rebalance",
            advice="planner plan BLUEPRINT --rebalance --out PLANFILE",
        )
    made = (
        deployment.planning(blueprint, anew=rebalance)
        if earlier is None
        else deployment.resuming(earlier)
    )
    with made as planned:
        deployment.refuse_unbuilt(planned.farm)
        show_plan(planned, format)
        deployment.stop_for(planned)
        deployment.hold_budget(planned)
        tell((*planned.diagnostics, *planned.plan.diagnostics))
        if planned.plan.empty:
            end_unchanged(planned)
            return
        ask(yes, "Apply this plan?")
        result = carry_out(planned, "apply")
    if result.exit_code == 0:
        say(f"done; next: planner status {planned.path}")
    end_with(result.errors, otherwise=result.exit_code)
