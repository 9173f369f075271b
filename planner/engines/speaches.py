"""speaches: speech to text with faster-whisper, told by variables and a cache of the model hub."""

from __future__ import annotations

import json
from typing import Final

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, error
from planner.engines.api.values import Setting
from planner.engines.asked import asked_of
from planner.engines.engine import Engine, EngineFile, Launch, Naming, Option
from planner.farm import FarmModel, SourceKind

_CACHE: Final = "/home/ubuntu/.cache/huggingface/hub"
_COMPUTE: Final = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "int8": "int8"}
_CONVERTED: Final = ("faster-whisper", "faster-distil-whisper", "ct2")


def _options(launch: Launch) -> tuple[Option, ...]:
    return ()


def _environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    model, spec = launch.placed.model, launch.placed.model.spec
    quantization = model.quantization.name if model.quantization and spec.quant else None
    told: dict[str, object] = {
        "UVICORN_HOST": launch.host,
        "UVICORN_PORT": launch.port,
        "HF_HUB_OFFLINE": 1,
        "ENABLE_UI": "false",
        "LOG_LEVEL": "info",
        # it was sized to stay, and nobody shall wait for it to be loaded again
        "STT_MODEL_TTL": -1,
        "WHISPER__TTL": -1,
        "PRELOAD_MODELS": json.dumps([model.source.name]),
        "WHISPER__INFERENCE_DEVICE": "cuda" if launch.placed.devices else "cpu",
        "WHISPER__NUM_WORKERS": spec.parallel or 1,
    }
    if quantization in _COMPUTE:
        told["WHISPER__COMPUTE_TYPE"] = _COMPUTE[quantization]
    if spec.threads:
        told["WHISPER__CPU_THREADS"] = spec.threads
    return tuple((name, str(value)) for name, value in told.items())


def _folder(launch: Launch) -> str | None:
    if launch.weights is None or launch.weights.revision is None:
        return None
    name = launch.placed.model.source.name.replace("/", "--")
    return f"{_CACHE}/models--{name}"


def _files(launch: Launch) -> tuple[EngineFile, ...]:
    """What a download leaves beside the files: which commit the branch was."""
    folder = _folder(launch)
    if folder is None or launch.weights is None:
        return ()
    return (EngineFile(f"{folder}/refs/main", launch.weights.revision or ""),)


def _weights_at(launch: Launch) -> str | None:
    folder = _folder(launch)
    if folder is None or launch.weights is None:
        return None
    return f"{folder}/snapshots/{launch.weights.revision}"


def _naming(model: FarmModel, adapters: tuple[str, ...]) -> Naming:
    """It knows a model by its name on the hub."""
    return Naming(model.source.name)


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.speaches`` reads it."""
    return asked_of(launch.placed.model, name=launch.placed.model.source.name)


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    source, path = launch.placed.model.source, ("models", launch.placed.model.name, "source")
    if source.kind is not SourceKind.HUB:
        return (error("speaches finds models by their name on the hub", *path, value=source.name,
                      advice="write source: Systran/faster-whisper-large-v3"),)  # fmt: skip
    if not any(word in source.name.lower() for word in _CONVERTED):
        return (error(f"{source.name} is not converted for faster-whisper", *path,
                      value=source.name, detail="it loads the format of CTranslate2",
                      advice="write source: Systran/faster-whisper-large-v3, or engine: vllm"),
                )  # fmt: skip
    return ()


SPEACHES: Final = Engine(
    name="speaches",
    aliases=("faster-whisper", "faster-whisper-server"),
    reads=Family.SAFETENSORS,
    tasks=(Task.SPEECH,),
    vendors=frozenset({"nvidia"}),
    cpu=True,
    reserves=False,
    folder=True,
    writes=True,
    root=True,
    strengths="made for Whisper models",
    options=_options,
    environment=_environment,
    check=_check,
    by_environment=True,
    keys=frozenset({"threads"}),
    files=_files,
    weights_at=_weights_at,
    key_variable="API_KEY",
    loads_converted=True,
    naming=_naming,
    settings=_settings,
)
