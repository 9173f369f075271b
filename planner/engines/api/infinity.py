"""Asks infinity: the models it serves, and what runs them.

Read in its source (``fastapi_schemas``, 2025); not asked of a running server.
"""

from __future__ import annotations

from typing import Final

from planner.engines.api.values import Answers, Api, no_speed

_MODELS: Final = "/v1/models"


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.infinity`` gives what it asks for."""
    found: dict[str, str] = {}
    for row in answers.rows(_MODELS, "data"):
        if row.get("id"):
            found["name"] = str(row["id"])
        if row.get("backend"):
            found["backend"] = str(row["backend"])
    return found


API: Final = Api((_MODELS,), "", read, no_speed)
