"""The verb ``init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import write
from planner.errors import UsageError


def command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path(
        "blueprint.yaml"
    ),
    address: Annotated[
        str, typer.Option(help="How you log in to your machine.")
    ] = "me@192.168.1.10",
    gpu: Annotated[str, typer.Option(help="Its GPU, as you would name it.")] = "rtx-4090",
    model: Annotated[str, typer.Option(help="A model on the hub.")] = "Qwen/Qwen3-8B",
) -> None:
    """Write a first blueprint, with comments. An existing file is left alone."""
    from planner import workflows

    text = workflows.first_blueprint(file=str(path), address=address, gpu=gpu, model=model)
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError as fault:
        raise UsageError(
            "there is such a file already", where=str(path), advice="name another one"
        ) from fault
    except OSError as fault:
        raise UsageError(
            "it cannot be written",
            where=str(path),
            cause=fault.strerror,
            advice="name a file in a folder that is there and yours",
        ) from fault
    write(f"{path} is written\nnext: planner size {path}")
