"""What running engines are asked, and how they answer: one file an engine, one line here.

Found by name when it is needed: a plan asks no engine anything and does not wait for these.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from planner.engines.api.values import Api

_MODULES: Final = {
    "llama.cpp": "llama_cpp",
    "sglang": "sglang",
    "text-embeddings-inference": "text_embeddings_inference",
    "vllm": "vllm",
}


def api_of(engine: str) -> Api | None:
    """How an engine of that name is asked; None where planner knows no way."""
    module = _MODULES.get(engine)
    if module is None:
        return None
    found: Api = import_module(f"planner.engines.api.{module}").API
    return found
