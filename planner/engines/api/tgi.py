"""Asks text-generation-inference: /info.

Read in the source of 3.3 (``router/src/lib.rs``, ``backends/v3``); not asked of a running server.
It chooses how many tokens fit by itself, whatever it is told, so that is not asked for.
"""

from __future__ import annotations

from typing import Final

from planner.engines.api.metrics import frequency
from planner.engines.api.values import Answers, Api, Speed

_INFO: Final = "/info"
_SETTINGS: Final = {
    "files": "model_id",
    "context": "max_total_tokens",
    "parallel": "max_concurrent_requests",
}


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.tgi`` gives what it asks for."""
    return answers.told(_INFO, _SETTINGS)


def speed(text: str) -> Speed:
    """Averages over all requests since it started."""
    return Speed(frequency(text, "tgi_request_mean_time_per_token_duration"))


API: Final = Api((_INFO,), "", read, speed)
