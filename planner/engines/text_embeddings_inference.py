"""text-embeddings-inference: embeddings and reranking, on the CPU and on NVIDIA cards."""

from __future__ import annotations

from typing import Final

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic
from planner.engines.api.values import Setting
from planner.engines.arguments import options
from planner.engines.asked import asked_of
from planner.engines.engine import Engine, Launch, Option


def _options(launch: Launch) -> tuple[Option, ...]:
    return options(
        Option("--model-id", launch.model_path),
        Option("--served-model-name", launch.placed.model.name),
        Option("--hostname", launch.host),
        Option("--port", str(launch.port)),
    )


def _environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    return (("HF_HUB_OFFLINE", "1"),)


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as its file under ``planner.engines.api`` reads it."""
    return asked_of(launch.placed.model, files=launch.model_path)


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    return ()


TEXT_EMBEDDINGS_INFERENCE: Final = Engine(
    name="text-embeddings-inference",
    aliases=("tei",),
    reads=Family.SAFETENSORS,
    tasks=(Task.EMBEDDING, Task.RERANK),
    vendors=frozenset({"nvidia"}),
    cpu=True,
    reserves=False,
    folder=True,
    writes=False,
    root=False,
    strengths="made for it",
    options=_options,
    environment=_environment,
    check=_check,
    key_variable="API_KEY",
    settings=_settings,
)
