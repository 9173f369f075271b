"""The verb ``lock``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.options import BlueprintPath, Format, FormatOption, write, write_json


def command(
    blueprint: BlueprintPath,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Also move what is pinned already.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Pin commits of models, digests of images and hashes of local files in planner.lock.

    Commit that file: then one Git commit means one farm, and a check in CI needs none of the big
    files.
    """
    from planner import locking

    result = locking.lock(blueprint, upgrade=upgrade)
    if format is Format.JSON:
        write_json({"path": str(result.path), "moved": list(result.moved)})
        return
    for name in result.moved:
        write(f"pinned {name}")
    many = len(result.pins.models) + len(result.pins.images) + len(result.pins.files)
    write(f"{result.path} holds {many} pins, {len(result.moved)} of them new\nnext: commit it")
