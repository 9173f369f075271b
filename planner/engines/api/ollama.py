"""Asks Ollama: its store (/api/tags), and what is loaded (/api/ps).

Read in its source (``api/types.go``, 2026). It loads a model with the first request, so right after
a start only the store answers; what it could not put on the cards it leaves in RAM, and says so by
a part on the cards that is smaller than the whole.
"""

from __future__ import annotations

from typing import Any, Final

from planner.engines.api.values import Answers, Api, no_speed

_STORE: Final = "/api/tags"
_LOADED: Final = "/api/ps"


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.ollama`` gives what it asks for."""
    found: dict[str, str] = {}
    for row in (*answers.rows(_STORE, "models"), *answers.rows(_LOADED, "models")):
        if row.get("name"):
            found["name"] = str(row["name"]).removesuffix(":latest")
        details: Any = row.get("details")
        if isinstance(details, dict) and details.get("quantization_level"):
            found["quantization"] = str(details["quantization_level"]).upper()
    for row in answers.rows(_LOADED, "models"):
        if row.get("context_length"):
            found["context"] = str(row["context_length"])
        whole, on_cards = row.get("size"), row.get("size_vram")
        if isinstance(whole, int) and isinstance(on_cards, int) and whole > 0:
            found["gpu_layers"] = "all" if on_cards >= whole else f"{100 * on_cards // whole}%"
    return found


API: Final = Api((_STORE, _LOADED), "", read, no_speed, None)
