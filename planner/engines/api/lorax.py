"""Asks LoRAX: /info.

Read in its source (``router/src/lib.rs``, 2025); not asked of a running server. It names no
adapters: those of tier ``vram`` are loaded before it answers, and others when a request asks.
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
    "dtype": "model_dtype",
}


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.lorax`` gives what it asks for."""
    told = answers.told(_INFO, _SETTINGS)
    if "dtype" in told:
        told["dtype"] = told["dtype"].removeprefix("torch.")
    return told


def speed(text: str) -> Speed:
    """Averages over all requests since it started."""
    return Speed(frequency(text, "lorax_request_mean_time_per_token_duration"))


API: Final = Api((_INFO,), "", read, speed)
