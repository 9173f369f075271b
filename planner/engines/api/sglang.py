"""Asks SGLang: /v1/models and /server_info.

Read in the source of 0.5.23 (2026-11); not asked of a running server. It has POST
/load_lora_adapter and /unload_lora_adapter since 0.4.9, and planner does not use them: an adapter
that came that way must also be there after the next start, and only the command line names those.
The file of ``--config`` took ``lora-paths`` in 0.5.3 to 0.5.7; since 0.5.8 it refuses options with
an action of their own, and a changed command line is a restart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from planner.engines.api.metrics import frequency
from planner.engines.api.values import Answers, Api, Speed, adapter_setting
from planner.engines.model_config import EXPERTS

_MODELS: Final = "/v1/models"
_INFO: Final = "/server_info"
_OVERRIDES: Final = "json_model_override_args"
_SETTINGS: Final = {
    "tensor_parallel": "tp_size",
    "pipeline_parallel": "pp_size",
    "quantization": "quantization",
    "kv_dtype": "kv_cache_dtype",
    "memory": "mem_fraction_static",
}


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.sglang`` gives what it asks for."""
    return dict(_read(answers))


def _read(answers: Answers) -> Iterator[tuple[str, str]]:
    for row in answers.rows(_MODELS, "data"):
        if row.get("parent") is not None:
            yield adapter_setting(str(row.get("id"))), str(row.get("root"))
        elif row.get("max_model_len") is not None:
            yield "name", str(row.get("id"))
            yield "context", str(row["max_model_len"])
    yield from answers.told(_INFO, _SETTINGS).items()
    yield from _overridden(answers.told(_INFO, {"text": _OVERRIDES}).get("text", ""))


def _overridden(text: str) -> Iterator[tuple[str, str]]:
    """What it reads instead of the model's own configuration, in whatever part of it."""
    try:
        parts: list[Any] = [json.loads(text or "{}")]
    except ValueError:
        return
    while parts:
        part = parts.pop()
        if not isinstance(part, dict):
            continue
        for key in EXPERTS:
            if key in part:
                yield "experts", str(part[key])
        if part.get("rope_type") == "yarn" and isinstance(part.get("factor"), int | float):
            yield "yarn", f"{part['factor']:.3g}"
        parts += part.values()


def speed(text: str) -> Speed:
    """Averages over all requests since it started."""
    return Speed(frequency(text, "sglang:inter_token_latency_seconds"))


API: Final = Api((_MODELS, _INFO), "", read, speed)
