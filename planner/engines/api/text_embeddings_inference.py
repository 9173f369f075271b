"""Asks text-embeddings-inference: /info."""

from __future__ import annotations

from typing import Final

from planner.engines.api.values import Answers, Api, no_speed

_INFO: Final = "/info"
_SETTINGS: Final = {"files": "model_id"}


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.text_embeddings_inference`` gives them."""
    return answers.told(_INFO, _SETTINGS)


API: Final = Api((_INFO,), "", read, no_speed, None)
