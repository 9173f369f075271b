"""Asks text-generation-webui: which file is loaded, and by what.

Read in its source (``modules/api/models.py``, 2026); not asked of a running server. It answers its
health path also when its model did not load, and then names none.
"""

from __future__ import annotations

from typing import Final

from planner.engines.api.values import Answers, Api, no_speed

_INFO: Final = "/v1/internal/model/info"
_SETTINGS: Final = {"files": "model_name", "loader": "loader"}


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that its engine's file gives what it asks for."""
    return answers.told(_INFO, _SETTINGS)


API: Final = Api((_INFO,), "", read, no_speed, None)
