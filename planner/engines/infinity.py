"""infinity: embeddings and reranking with sentence-transformers, on the CPU and on cards."""

from __future__ import annotations

from typing import Final

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic
from planner.engines.api.values import Setting
from planner.engines.arguments import given, options
from planner.engines.asked import asked_of
from planner.engines.engine import Engine, Launch, Option

_DTYPES: Final = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32", "int8": "int8"}


def _options(launch: Launch) -> tuple[Option, ...]:
    model = launch.placed.model
    written = model.quantization.name if model.quantization and model.spec.quant else None
    return options(
        Option("--model-id", launch.model_path),
        Option("--served-model-name", model.name),
        Option("--host", launch.host),
        Option("--port", str(launch.port)),
        Option("--device", "cuda" if launch.placed.devices else "cpu"),
        Option("--engine", "torch"),
        Option("--url-prefix", "/v1"),  # where clients of every other engine ask
        given("--dtype", _DTYPES.get(written) if written else None),
    )


def _environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    return (
        ("HF_HUB_OFFLINE", "1"),
        ("INFINITY_ANONYMOUS_USAGE_STATS", "0"),
        ("INFINITY_TRUST_REMOTE_CODE", "false"),  # by itself it runs code that lies with weights
    )


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.infinity`` reads it."""
    return asked_of(launch.placed.model, name=launch.placed.model.name, backend="torch")


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    return ()


INFINITY: Final = Engine(
    name="infinity",
    aliases=("infinity-emb",),
    reads=Family.SAFETENSORS,
    tasks=(Task.EMBEDDING, Task.RERANK),
    vendors=frozenset({"nvidia", "amd"}),
    cpu=True,
    reserves=False,
    folder=True,
    writes=True,
    root=True,
    strengths="whatever sentence-transformers loads",
    options=_options,
    environment=_environment,
    check=_check,
    key_variable="INFINITY_API_KEY",
    settings=_settings,
)
