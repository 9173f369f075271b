"""The verb ``plan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import BlueprintPath, Format, FormatOption, RebalanceOption, tell


def command(
    blueprint: BlueprintPath,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Save the plan, for `planner apply FILE`."),
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 10 when there are differences.")
    ] = False,
    rebalance: RebalanceOption = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Ask the hosts and show every change that apply would make, each with its cause.

    What runs stays in its place as long as everything asked for has one.
    Exit code 3 when a host cannot carry what it should run, or the farm would cost more than its
    budget; then no plan is saved.
    """
    from planner import deployment
    from planner.cli.applying import end_with, show_plan
    from planner.sources.plan_files import write_plan_file

    with deployment.planning(blueprint, anew=rebalance) as planned:
        show_plan(planned, format)
        deployment.hold_hosts(planned)
        tell((*planned.diagnostics, *planned.plan.diagnostics))
        deployment.hold_budget(planned)
        if out is not None:
            write_plan_file(out, deployment.saved(planned))
        differs = detailed_exitcode and not planned.plan.empty
    end_with(planned.unreachable.values(), otherwise=10 if differs else 0)
