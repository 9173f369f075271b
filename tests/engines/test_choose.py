"""The engine follows from the files, the task and the devices, and the reason says so."""

from __future__ import annotations

import pytest

from planner.blueprint.schema import Task
from planner.catalogue.match import Match
from planner.catalogue.quantization import Quantization, find_quantization
from planner.engines.choose import choose_engine
from planner.engines.registry import ENGINES, engine_names, find_engine
from planner.farm import ModelSource, SourceKind
from planner.sources.catalogue import PackagedCatalogue


def quantization(name: str | None) -> Quantization | None:
    if name is None:
        return None
    found = find_quantization(PackagedCatalogue(), name)
    assert isinstance(found, Match)
    return found.row


def choose(
    source: str, task: Task = Task.CHAT, quant: str | None = None, *, gpu: bool = True
) -> tuple[str, str]:
    kind = SourceKind.FILE if source.startswith("./") else SourceKind.HUB
    return choose_engine(
        task=task,
        source=ModelSource(kind, source),
        quantization=quantization(quant),
        has_gpu=gpu,
    )


@pytest.mark.parametrize(
    ("source", "task", "quant", "gpu", "engine"),
    [
        ("Qwen/Qwen3-8B", Task.CHAT, None, True, "vllm"),
        ("Qwen/Qwen3-8B", Task.CHAT, "fp8", True, "vllm"),
        ("Qwen/Qwen3-8B", Task.CHAT, "Q4_K_M", True, "llama.cpp"),
        ("Qwen/Qwen3-8B", Task.CHAT, None, False, "llama.cpp"),
        ("Qwen/Qwen3-8B-GGUF", Task.CHAT, None, True, "llama.cpp"),
        ("./model.gguf", Task.CHAT, None, True, "llama.cpp"),
        ("./model.GGUF", Task.EMBEDDING, None, False, "llama.cpp"),
        ("BAAI/bge-m3", Task.EMBEDDING, None, True, "text-embeddings-inference"),
        ("BAAI/bge-m3", Task.EMBEDDING, None, False, "text-embeddings-inference"),
        ("BAAI/bge-reranker-v2-m3", Task.RERANK, None, True, "text-embeddings-inference"),
        ("Systran/faster-whisper-large-v3", Task.SPEECH, None, True, "speaches"),
        ("Systran/faster-whisper-large-v3", Task.SPEECH, None, False, "speaches"),
        ("stabilityai/stable-diffusion-xl-base-1.0", Task.IMAGE, None, True, "comfyui"),
    ],
)
def test_choice(source: str, task: Task, quant: str | None, gpu: bool, engine: str) -> None:
    name, why = choose(source, task, quant, gpu=gpu)
    assert name == engine
    assert why


def test_the_reason_names_task_files_and_devices() -> None:
    assert choose("./m.gguf", gpu=False)[1].startswith("chat from gguf files on the CPU: ")
    assert "nvidia" in choose("Qwen/Qwen3-8B")[1]


def test_what_nothing_does_there_is_said() -> None:
    name, why = choose("stabilityai/sdxl", Task.IMAGE, gpu=False)
    assert name == "comfyui"
    assert why == "nothing else does image; it needs a device"


def test_names_and_aliases_lead_to_one_engine() -> None:
    words = [word for engine in ENGINES for word in (engine.name, *engine.aliases)]
    assert len(words) == len(set(words))
    assert engine_names() == tuple(engine.name for engine in ENGINES)
    for engine in ENGINES:
        assert all(find_engine(word) is engine for word in (engine.name, *engine.aliases))
    assert find_engine("no-such-engine") is None
