"""The verb ``destroy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import BlueprintPath, Format, FormatOption, YesOption, say, tell

if TYPE_CHECKING:
    from planner.deployment import Planned

DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data", metavar="NAME", help="Delete this data for good, and nothing else. Repeatable."
    ),
]


def command(
    blueprint: BlueprintPath,
    data: DataOption = None,
    yes: YesOption = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Take everything off the hosts that planner put there for this project, after asking.

    What planner did not make is left alone, and so is data: only --data with its name deletes it.
    """
    from planner import deployment
    from planner.cli.applying import ask, carry_out, end_unchanged, end_with, show_plan

    names = tuple(data or ())
    made = deployment.deleting(blueprint, names) if names else deployment.clearing(blueprint)
    with made as planned:
        show_plan(planned, format)
        deployment.stop_for(planned)
        tell(planned.plan.diagnostics)
        if planned.plan.empty:
            end_unchanged(planned)
            return
        ask(yes, f"Delete {', '.join(names)} for good?" if names else "Remove all of this?")
        result = carry_out(planned, "destroy")
    if result.exit_code == 0:
        say("done; that data is gone" if names else _left(planned))
    end_with(result.errors, otherwise=result.exit_code)


def _left(planned: Planned) -> str:
    """The last line: what is left on the hosts."""
    from planner.diff.values import Observed

    hosts = [item for item in planned.seen.values() if isinstance(item, Observed)]
    names = sorted({name for item in hosts for name in item.data})
    if not names:
        return "done; nothing of the project is left on the hosts"
    return f"done; only its data is left on the hosts: {', '.join(names)}"
