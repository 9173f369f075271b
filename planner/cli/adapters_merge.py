"""The verb ``adapters merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import Format, FormatOption, write, write_json


def command(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER...",
            help="Folders of adapters, as PEFT saves them.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder to write.", show_default=False)
    ],
    format: FormatOption = Format.TEXT,
) -> None:
    """Make one adapter of several, for engines that answer with one at a time.

    The result adds to the base exactly what they add together; its rank is the sum of theirs.
    """
    from planner import workflows

    merged = workflows.merge_adapters(folders, output)
    rank = int(merged["r"])
    if format is Format.JSON:
        write_json({"folder": str(output), "rank": rank, "of": [str(item) for item in folders]})
    else:
        write(f"{output}: rank {rank}, of {len(folders)} adapters")
