"""Asks vLLM: /v1/models, the settings in /metrics, and the lines it logs with its configuration.

Read in the source of 0.33.0 and in the answers of a running 0.32.0 (2026-11). Adapters are loaded
and given up with POST /v1/load_lora_adapter and /v1/unload_lora_adapter, which the server has only
with VLLM_ALLOW_RUNTIME_LORA_UPDATING; ``load_inplace`` replaces one of the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from planner.engines.api.metrics import frequency, labels, rate
from planner.engines.api.values import Answers, Api, Call, Loading, Speed, adapter_setting
from planner.engines.model_config import EXPERTS

LINES: Final = r"Initializing a V[0-9]+ LLM engine|non-default args:"
MODELS: Final = "/v1/models"
METRICS: Final = "/metrics"
_LOGGED: Final = {
    "tensor_parallel": re.compile(r"\btensor_parallel_size=(\d+)"),
    "pipeline_parallel": re.compile(r"\bpipeline_parallel_size=(\d+)"),
    "quantization": re.compile(r"\bquantization=(\w+)"),
}
_CACHE: Final = re.compile(r"\bkv_cache_dtype=([\w.]+)")
# what it reads instead of the model's own configuration: --hf-overrides, or an option of its own
_OVERRIDDEN: Final = {
    "experts": re.compile(rf"'(?:{'|'.join(EXPERTS)})': (\d+)"),
    "yarn": re.compile(r"'yarn'[^{}]*'factor': ([\d.]+)|'factor': ([\d.]+)[^{}]*'yarn'"),
}


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.vllm`` gives what it asks for."""
    return dict(_read(answers))


def _read(answers: Answers) -> Iterator[tuple[str, str]]:
    for row in answers.rows(MODELS, "data"):
        if row.get("parent") is not None:
            yield adapter_setting(str(row.get("id"))), str(row.get("root"))
        elif row.get("max_model_len") is not None:
            yield "name", str(row.get("id"))
            yield "context", str(row["max_model_len"])
    for name, pattern in _LOGGED.items():
        found = pattern.findall(answers.log)
        if found:
            yield name, str(found[-1])
    for name, pattern in _OVERRIDDEN.items():
        told = [value for value in pattern.findall(answers.log) if value]
        if told:
            yield name, _number(told[-1])
    settings = labels(str(answers.bodies.get(METRICS, "")), "vllm:cache_config_info")
    cache = settings.get("cache_dtype") or next(iter(_CACHE.findall(answers.log)), None)
    if cache:
        yield "kv_dtype", cache
    if "gpu_memory_utilization" in settings:
        yield "memory", settings["gpu_memory_utilization"]


def _number(found: str | tuple[str, ...]) -> str:
    """A number as settings write it, of the one alternative that matched."""
    text = found if isinstance(found, str) else next(part for part in found if part)
    return f"{float(text):.3g}"


def _load(name: str, path: str, replaces: bool) -> Call:
    more = {"load_inplace": True} if replaces else {}
    return Call("/v1/load_lora_adapter", {"lora_name": name, "lora_path": path, **more})


def _unload(name: str) -> Call:
    return Call("/v1/unload_lora_adapter", {"lora_name": name})


def speed(text: str) -> Speed:
    """Averages over all requests since it started: of each one, not of all at once."""
    return Speed(
        frequency(text, "vllm:inter_token_latency_seconds"),
        rate(text, "vllm:prompt_tokens_total", "vllm:request_prefill_time_seconds_sum"),
    )


API: Final = Api((MODELS, METRICS), LINES, read, speed, METRICS, Loading((MODELS,), _load, _unload))
