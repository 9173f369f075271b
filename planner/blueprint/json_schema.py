"""The blueprint as JSON Schema, so that editors complete and check while one types."""

from __future__ import annotations

from typing import Any, Final

from planner.blueprint.schema import Blueprint

_TITLE: Final = "planner blueprint"


def blueprint_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a blueprint's text."""
    schema = Blueprint.model_json_schema(mode="validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": _TITLE}
    return {**schema, **head}
