"""The engines that sizing knows, each with its memory model and the options it has.

A new engine is one file here and one row below.
"""

from __future__ import annotations

from typing import Final

from planner.sizing.engines_memory import llama_cpp, plain, sglang, vllm
from planner.sizing.engines_memory.common import Engine, EngineMemory, MemoryModel, Plan
from planner.sizing.engines_memory.vllm_versions import LATEST

_COMMON: Final = frozenset(
    {"quant", "kv_dtype", "context", "parallel", "batch", "depth", "threads"}
)
_GPU: Final = frozenset({"tp", "pp", "gpu_memory_utilization", "adapters", "adapter_rank", "eager"})
_LLAMA: Final = frozenset(
    {"ubatch", "gpu_layers", "cpu_moe", "flash_attention", "adapters", "adapter_rank"}
)
_SHARED_CACHE: Final = frozenset({"unified"})
_VERSIONED: Final = frozenset({"engine_version"})

ENGINES: Final[dict[str, Engine]] = {
    engine.name: engine
    for engine in (
        Engine(
            "vllm",
            vllm.memory,
            _COMMON | _GPU | _VERSIONED,
            gguf=False,
            default_version=LATEST,
            needs_device=True,
        ),
        Engine("sglang", sglang.memory, _COMMON | _GPU | _VERSIONED, gguf=False, needs_device=True),
        Engine(
            "llama.cpp",
            llama_cpp.llama_cpp,
            _COMMON | _LLAMA | _SHARED_CACHE | _VERSIONED,
            gguf=True,
            default_version=llama_cpp.LATEST,
        ),
        Engine("ik_llama.cpp", llama_cpp.ik_llama_cpp, _COMMON | _LLAMA | _VERSIONED, gguf=True),
        Engine("ollama", llama_cpp.ollama, _COMMON | _LLAMA | _VERSIONED, gguf=True),
        Engine("text-embeddings-inference", plain.memory, _COMMON | _VERSIONED, gguf=False),
        Engine("infinity", plain.memory, _COMMON | _VERSIONED, gguf=False),
        Engine("whisper.cpp", plain.memory, _COMMON | _VERSIONED, gguf=False),
        Engine("faster-whisper", plain.memory, _COMMON | _VERSIONED, gguf=False),
    )
}

__all__ = ["ENGINES", "Engine", "EngineMemory", "MemoryModel", "Plan"]
