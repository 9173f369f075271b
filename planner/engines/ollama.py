"""Ollama: GGUF files with llama.cpp inside, told by variables and by a store of models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, error
from planner.engines.api.values import Setting
from planner.engines.asked import asked_of
from planner.engines.engine import Engine, EngineFile, Launch, Option
from planner.engines.llama_cpp import cache_types, context_tokens, file_type

STORE: Final = "/store"
_DOCKER: Final = "application/vnd.docker"
_MODEL: Final = "application/vnd.ollama.image.model"
_PARAMETERS: Final = "application/vnd.ollama.image.params"


def _options(launch: Launch) -> tuple[Option, ...]:
    return ()


def _environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    spec, devices = launch.placed.model.spec, launch.placed.devices
    kinds = cache_types(launch)
    context = context_tokens(launch)
    told: dict[str, object] = {
        "OLLAMA_HOST": f"{launch.host}:{launch.port}",
        "OLLAMA_MODELS": STORE,
        "HOME": "/tmp",
        # it was sized to stay: loading again would take the time of a start
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_MAX_LOADED_MODELS": 1,
        "OLLAMA_NUM_PARALLEL": spec.parallel or 1,
        "OLLAMA_NOPRUNE": 1,  # the store is read-only
        "OLLAMA_NO_CLOUD": 1,
    }
    if context:
        told["OLLAMA_CONTEXT_LENGTH"] = context // (spec.parallel or 1)
    if kinds:
        told |= {"OLLAMA_KV_CACHE_TYPE": kinds[-1], "OLLAMA_FLASH_ATTENTION": 1}
    if devices:
        told["OLLAMA_GPU_OVERHEAD"] = _kept_free(launch)
    if len(devices) > 1:
        told["OLLAMA_SCHED_SPREAD"] = 1
    return tuple((name, str(value)) for name, value in told.items())


def _kept_free(launch: Launch) -> int:
    """Bytes of each card that it leaves: what sizing did not give it, on the fullest one."""
    return min((size.free_bytes for size in launch.placed.report.devices), default=0)


def _files(launch: Launch) -> tuple[EngineFile, ...]:
    """The store of one model: what `ollama create` would write, beside the weights' own file."""
    weights = launch.weights
    if weights is None:
        return ()
    spec = launch.placed.model.spec
    config = _blob({"model_format": "gguf", "os": "linux", "architecture": "amd64",
                    "rootfs": {"type": "layers", "diff_ids": [f"sha256:{weights.sha256}"]}},
                   f"{_DOCKER}.container.image.v1+json")  # fmt: skip
    told = {"num_gpu": spec.gpu_layers, "num_thread": spec.threads}
    written = {key: value for key, value in told.items() if value is not None}
    blobs = [_blob(written, _PARAMETERS)] if written else []
    model = {"mediaType": _MODEL, "digest": f"sha256:{weights.sha256}", "size": weights.bytes or 0}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_DOCKER}.distribution.manifest.v2+json",
        "config": config[0],
        "layers": [model, *(layer for layer, _ in blobs)],
    }
    name = f"manifests/registry.ollama.ai/library/{launch.placed.model.name}/latest"
    return (
        EngineFile(f"{STORE}/{name}", _text(manifest)),
        *(EngineFile(_path(layer), text) for layer, text in (config, *blobs)),
    )


def _blob(data: Mapping[str, object], kind: str) -> tuple[dict[str, object], str]:
    text = _text(data)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(text.encode())}, text


def _path(layer: dict[str, object]) -> str:
    return f"{STORE}/blobs/{str(layer['digest']).replace(':', '-')}"


def _text(data: Mapping[str, object]) -> str:
    return json.dumps(data, separators=(",", ":"), sort_keys=True)


def _weights_at(launch: Launch) -> str | None:
    """Where it looks for the weights' file."""
    return f"{STORE}/blobs/sha256-{launch.weights.sha256}" if launch.weights else None


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.ollama`` reads it."""
    model, spec = launch.placed.model, launch.placed.model.spec
    context = context_tokens(launch)
    return asked_of(
        model,
        name=model.name,
        context=context // (spec.parallel or 1) if context else None,
        quantization=file_type(launch),
        gpu_layers="all" if launch.placed.devices and spec.gpu_layers is None else None,
    )


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    found = []
    kinds, path = cache_types(launch), ("models", launch.placed.model.name)
    if len(set(kinds)) > 1:
        found.append(error("ollama has one type for keys and values", *path, "kv_dtype",
                           value=launch.placed.model.spec.kv_dtype,
                           advice=f"write kv_dtype: {kinds[-1]}"))  # fmt: skip
    return tuple(found)


OLLAMA: Final = Engine(
    name="ollama",
    aliases=(),
    reads=Family.GGUF,
    tasks=(Task.CHAT, Task.EMBEDDING),
    vendors=frozenset({"nvidia", "amd"}),
    cpu=True,
    reserves=False,
    folder=False,
    writes=False,
    root=False,
    strengths="for clients that speak its own protocol",
    options=_options,
    environment=_environment,
    check=_check,
    by_environment=True,
    keys=frozenset({"kv_dtype", "gpu_layers", "threads"}),
    files=_files,
    weights_at=_weights_at,
    settings=_settings,
)
