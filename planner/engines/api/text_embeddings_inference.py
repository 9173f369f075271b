"""Asks text-embeddings-inference: /info."""

from __future__ import annotations

from typing import Final

from planner.engines.api.values import Answers, Api, no_speed

_INFO: Final = "/info"
_SETTINGS: Final = {"dtype": "model_dtype", "context": "max_input_length"}


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.text_embeddings_inference`` gives them."""
    info = answers.mapping(_INFO)
    return {name: str(info[key]) for name, key in _SETTINGS.items() if info.get(key) is not None}


API: Final = Api((_INFO,), "", read, no_speed, None)
