"""The engines planner knows: one line each, in order of preference."""

from __future__ import annotations

from typing import Final

from planner.engines.comfyui import COMFYUI
from planner.engines.engine import Engine
from planner.engines.ik_llama_cpp import IK_LLAMA_CPP
from planner.engines.infinity import INFINITY
from planner.engines.llama_cpp import LLAMA_CPP
from planner.engines.lorax import LORAX
from planner.engines.ollama import OLLAMA
from planner.engines.sglang import SGLANG
from planner.engines.speaches import SPEACHES
from planner.engines.text_embeddings_inference import TEXT_EMBEDDINGS_INFERENCE
from planner.engines.text_generation_webui import TEXT_GENERATION_WEBUI
from planner.engines.tgi import TGI
from planner.engines.vllm import VLLM

ENGINES: Final[tuple[Engine, ...]] = (
    TEXT_EMBEDDINGS_INFERENCE,
    VLLM,
    LLAMA_CPP,
    SGLANG,
    SPEACHES,
    COMFYUI,
    INFINITY,
    IK_LLAMA_CPP,
    OLLAMA,
    TEXT_GENERATION_WEBUI,
    LORAX,
    TGI,
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
