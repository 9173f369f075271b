"""The verb ``render``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import BlueprintPath, Format, FormatOption, tell, write, write_json
from planner.diagnostics import has_errors


def command(
    blueprint: BlueprintPath,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder to write.", metavar="DIR")
    ] = Path("rendered"),
    format: FormatOption = Format.TEXT,
) -> None:
    """Write the files that every host would get: DIR/HOST/compose.yaml, DIR/HOST/units/...

    Nothing is asked of any host. The same blueprint gives the same bytes on every machine. Exit
    code 3 when the files are for reading only, because something in them must be pinned first.
    """
    from planner import workflows
    from planner.sources.trees import write_tree

    result = workflows.render(
        workflows.validate(blueprint, digest=workflows.file_digest(), headers=True)
    )
    files = {
        f"{host.host}/{file.path}": file.content
        for host in result.bundle.hosts
        for file in host.files
    }
    if format is Format.JSON:
        hosts = [
            {"host": host.host, "release": host.digest, "files": [f.path for f in host.files]}
            for host in result.bundle.hosts
        ]
        write_json({"project": result.bundle.project, "hosts": hosts})
    write_tree(output, files)
    if has_errors(result.diagnostics):
        raise workflows.invalid(blueprint, result.diagnostics)
    tell(result.diagnostics)
    if format is Format.TEXT:
        for name in files:
            write(f"{output}/{name}")
        write(f"next: planner plan {blueprint}")
