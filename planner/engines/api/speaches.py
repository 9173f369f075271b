"""Asks speaches: the models that lie in its cache.

Read in its source (0.8); not asked of a running server.
"""

from __future__ import annotations

from typing import Final

from planner.engines.api.values import Answers, Api, no_speed

_MODELS: Final = "/v1/models"


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.speaches`` gives what it asks for."""
    names = [str(row["id"]) for row in answers.rows(_MODELS, "data") if row.get("id")]
    return {"name": ",".join(names)} if names else {}


API: Final = Api((_MODELS,), "", read, no_speed, None)
