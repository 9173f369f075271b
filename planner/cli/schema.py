"""The verb ``schema``."""

from __future__ import annotations

from planner.cli.options import write_json


def command() -> None:
    """Print the blueprint's JSON Schema.

    In VS Code: save it as planner.schema.json and start a blueprint with
    `# yaml-language-server: $schema=planner.schema.json`.
    """
    from planner.blueprint.json_schema import blueprint_schema

    write_json(blueprint_schema())
