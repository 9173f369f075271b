"""The verb ``hosts sudoers``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.options import write


def command(
    user: Annotated[
        str, typer.Option("--user", metavar="NAME", help="The user that planner logs in as.")
    ] = "ops",
) -> None:
    """Print what a host's administrator runs once, so that a user need not be root for planner.

    It installs one program, which runs planner's own scripts and refuses all else, and the rule of
    sudo that lets the user run it.
    """
    from planner.remote.helper import installer

    write(installer(user))
