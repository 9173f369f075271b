"""The verb ``validate``."""

from __future__ import annotations

import typer

from planner.cli.options import BlueprintPath, Format, FormatOption, tell, write, write_json
from planner.views.messages import diagnostic_json


def command(blueprint: BlueprintPath, format: FormatOption = Format.TEXT) -> None:
    """Check a blueprint: its text, its names, and what the catalogue knows of them.

    Reads files only. Exit code 3 when something is wrong.
    """
    from planner import workflows

    result = workflows.validate(blueprint)
    if format is Format.JSON:
        rows = [diagnostic_json(item) for item in result.diagnostics]
        write_json({"valid": result.valid, "diagnostics": rows})
        if not result.valid:
            raise typer.Exit(3)
        return
    if not result.valid:
        raise workflows.invalid(blueprint, result.diagnostics)
    tell(result.diagnostics)
    farm = workflows.require(result)
    write(
        f"{blueprint} is valid: {_count(len(farm.hosts), 'host')}, "
        f"{_count(len(farm.models), 'model')}, "
        f"{_count(sum(model.spec.replicas for model in farm.models), 'replica')}\n"
        f"next: planner size {blueprint}"
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
