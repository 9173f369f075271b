"""The verb ``unlock``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.options import (
    BlueprintPath,
    Format,
    FormatOption,
    YesOption,
    say,
    write,
    write_json,
)


def command(
    blueprint: BlueprintPath,
    host: Annotated[
        str | None, typer.Option("--host", help="Only this host.", show_default=False)
    ] = None,
    yes: YesOption = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show who holds the project's locks, and remove them after asking.

    For a run that is gone, its machine off or its network lost. A lock that is not the one shown,
    because another run has begun meanwhile, stays.

    Exit codes: 0 removed or none held, 2 not confirmed, 4 a host could not be reached, 5 a lock
    changed hands meanwhile, 11 host key refused.
    """
    from planner import returning
    from planner.cli.applying import ask, end_with
    from planner.views.locks import locks_to_dict, locks_to_text

    with returning.locks(blueprint, host) as found:
        if format is Format.JSON:
            write_json(locks_to_dict(found))
        else:
            write(locks_to_text(found))
        failures = dict(found.unreachable)
        if found.held:
            ask(yes, "Remove what is held? A run that is still at work would lose its protection.")
            failed = returning.remove_locks(found)
            failures |= failed
            gone = [name for name in found.held if name not in failed]
            if gone:
                say(f"removed on {', '.join(gone)}; next: planner plan {blueprint}")
    end_with(failures.values())
