"""The engines planner knows: one line each, in order of preference."""

from __future__ import annotations

from typing import Final

from planner.engines.engine import Engine
from planner.engines.llama_cpp import LLAMA_CPP
from planner.engines.sglang import SGLANG
from planner.engines.text_embeddings_inference import TEXT_EMBEDDINGS_INFERENCE
from planner.engines.vllm import VLLM

ENGINES: Final[tuple[Engine, ...]] = (
    TEXT_EMBEDDINGS_INFERENCE,
    VLLM,
    LLAMA_CPP,
    SGLANG,
)


def engine_names() -> tuple[str, ...]:
    """Every name that may be written as ``engine:``."""
    return tuple(engine.name for engine in ENGINES)


def find_engine(name: str) -> Engine | None:
    """The engine of that name or alias, or None."""
    for engine in ENGINES:
        if name == engine.name or name in engine.aliases:
            return engine
    return None
