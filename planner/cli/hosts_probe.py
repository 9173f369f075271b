"""The verb ``hosts probe``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.options import Format, FormatOption, write, write_json


def command(
    hosts: Annotated[
        list[str],
        typer.Argument(
            metavar="HOST...",
            help="user@address, local, or a blueprint's file.",
            show_default=False,
        ),
    ],
    format: FormatOption = Format.TEXT,
) -> None:
    """Ask hosts what they have: GPUs, RAM, disk, Docker, systemd; as lines for an inventory."""
    from planner import deployment
    from planner.cli.applying import end_with
    from planner.errors import PlannerError
    from planner.views.probe import probe_to_dict, probe_to_text

    addresses, seen = deployment.probe(hosts)
    if format is Format.JSON:
        write_json(probe_to_dict(seen, addresses))
    else:
        write(probe_to_text(seen, addresses))
    end_with(item for item in seen.values() if isinstance(item, PlannerError))
