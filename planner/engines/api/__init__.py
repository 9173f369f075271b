"""What running engines are asked, and how they answer: one file an engine, one line here.

Found by name when it is needed: a plan asks no engine anything and does not wait for these.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from planner.engines.api.values import Api

_MODULES: Final = {
    "comfyui": "comfyui",
    "ik_llama.cpp": "ik_llama_cpp",
    "infinity": "infinity",
    "llama.cpp": "llama_cpp",
    "lorax": "lorax",
    "ollama": "ollama",
    "sglang": "sglang",
    "speaches": "speaches",
    "text-embeddings-inference": "text_embeddings_inference",
    "text-generation-webui": "text_generation_webui",
    "tgi": "tgi",
    "vllm": "vllm",
}


def api_of(engine: str) -> Api | None:
    """How an engine of that name is asked; None where planner knows no way."""
    module = _MODULES.get(engine)
    if module is None:
        return None
    found: Api = import_module(f"planner.engines.api.{module}").API
    return found
