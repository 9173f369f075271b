"""The engines that sizing knows, each with its memory model and the options it has.

A new engine is one file here and one row below.
"""

from __future__ import annotations

from typing import Final

from planner.sizing.architecture import Architecture, Kind
from planner.sizing.engines_memory import (
    embedding,
    ik_llama_cpp,
    images,
    llama_cpp,
    sglang,
    speech,
    tgi,
    vllm,
)
from planner.sizing.engines_memory.common import Engine, EngineMemory, MemoryModel, Plan
from planner.sizing.engines_memory.vllm_versions import LATEST

_COMMON: Final = frozenset(
    {
        "quant", "kv_dtype", "context", "parallel", "batch", "depth", "threads",
        "experts_per_token", "host_memory_bytes",
    }
)  # fmt: skip
_DRAFT: Final = frozenset({"draft", "draft_tokens"})
_GPU: Final = _DRAFT | {
    "tp", "pp", "gpu_memory_utilization", "adapters", "adapter_rank", "eager", "expert_parallel",
}  # fmt: skip
_LLAMA: Final = frozenset(
    {"ubatch", "gpu_layers", "cpu_moe", "flash_attention", "adapters", "adapter_rank", "images"}
)
_SAVED: Final = frozenset({"prompt_cache_bytes"})
_PICTURES: Final = frozenset({"quant", "parallel", "host_memory_bytes"})
_SHARDED: Final = frozenset({"tp", "gpu_memory_utilization", "adapters", "adapter_rank"})
_LANGUAGE: Final = frozenset({Kind.LANGUAGE})
_VECTORS: Final = frozenset({Kind.LANGUAGE, Kind.EMBEDDING})
_SPEECH: Final = frozenset({Kind.SPEECH})
_WARM_UP: Final = "Python, the largest prefill and capturing graphs"
_SHARED_CACHE: Final = frozenset({"unified", "swa_full"})
_LATENT: Final = frozenset({"mla", "attention_batch"})
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
            serves=frozenset({Kind.LANGUAGE, Kind.EMBEDDING, Kind.SPEECH}),
            start_seconds=(30, 180),
            start_why="compiling, profiling and capturing graphs; less with its compile cache",
        ),
        Engine(
            "sglang",
            sglang.memory,
            _COMMON | _GPU | _VERSIONED,
            gguf=False,
            needs_device=True,
            start_seconds=(20, 120),
            start_why="Python, kernels and capturing graphs",
        ),
        Engine(
            "llama.cpp",
            llama_cpp.llama_cpp,
            _COMMON | _LLAMA | _SHARED_CACHE | _SAVED | _DRAFT | _VERSIONED,
            gguf=True,
            default_version=llama_cpp.LATEST,
        ),
        Engine("ik_llama.cpp", ik_llama_cpp.ik_llama_cpp,
               _COMMON | _LLAMA | _LATENT | _VERSIONED, gguf=True),
        Engine("ollama", llama_cpp.ollama, _COMMON | _LLAMA | _VERSIONED, gguf=True),
        # its server is llama.cpp's
        Engine("text-generation-webui", llama_cpp.llama_cpp, _COMMON | _LLAMA | _VERSIONED,
               gguf=True, default_version=llama_cpp.LATEST, start_seconds=(10, 60)),
        Engine("tgi", tgi.tgi, _COMMON | _SHARDED | _VERSIONED, gguf=False, needs_device=True,
               serves=_LANGUAGE, start_seconds=(20, 90), start_why=_WARM_UP),
        Engine("lorax", tgi.lorax, _COMMON | _SHARDED | _VERSIONED, gguf=False, needs_device=True,
               serves=_LANGUAGE, start_seconds=(20, 90), start_why=_WARM_UP),
        Engine("text-embeddings-inference", embedding.text_embeddings_inference,
               _COMMON | _VERSIONED, gguf=False, serves=_VECTORS, start_seconds=(2, 60)),
        Engine("infinity", embedding.infinity, _COMMON | _VERSIONED, gguf=False, serves=_VECTORS,
               start_seconds=(10, 60)),
        Engine("faster-whisper", speech.faster_whisper, _COMMON | _VERSIONED, gguf=False,
               serves=_SPEECH, start_seconds=(5, 60)),
        Engine("speaches", speech.faster_whisper, _COMMON | _VERSIONED, gguf=False,
               serves=_SPEECH, start_seconds=(5, 60)),
        Engine("whisper.cpp", speech.whisper_cpp, _COMMON | _VERSIONED, gguf=False,
               serves=_SPEECH),
        Engine("comfyui", images.comfyui, _PICTURES | _VERSIONED,
               gguf=False, needs_device=True, serves=frozenset({Kind.IMAGE}),
               start_seconds=(15, 90)),
    )
}  # fmt: skip
_ALIASES: Final = {
    "text-generation-inference": "tgi",
    "tei": "text-embeddings-inference",
    "llama-cpp": "llama.cpp",
    "llamacpp": "llama.cpp",
    "llama-server": "llama.cpp",
    "ik-llama.cpp": "ik_llama.cpp",
    "ik_llama": "ik_llama.cpp",
}


def engine_name(written: str) -> str:
    """The name that sizing knows an engine by; as written where it knows none."""
    lower = written.strip().lower()
    return _ALIASES.get(lower, lower)


def usual_engine(architecture: Architecture, *, gguf: bool, devices: bool) -> tuple[str, str]:
    """The engine for a model where none is named, and why."""
    match architecture.kind:
        case Kind.SPEECH:
            return "speaches", "made for Whisper models"
        case Kind.IMAGE:
            return "comfyui", "made for image pipelines"
        case Kind.EMBEDDING if not gguf:
            return "text-embeddings-inference", "made for embeddings and reranking"
        case Kind.LANGUAGE | Kind.EMBEDDING:
            if gguf:
                return "llama.cpp", "it reads GGUF"
            if not devices:
                return "llama.cpp", "it runs from RAM"
            return "vllm", "the fastest for several readers at once"


__all__ = [
    "ENGINES",
    "Engine",
    "EngineMemory",
    "MemoryModel",
    "Plan",
    "engine_name",
    "usual_engine",
]
