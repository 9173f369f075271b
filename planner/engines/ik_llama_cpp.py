"""ik_llama.cpp's llama-server: llama.cpp's fork for experts in RAM and its own quantizations."""

from __future__ import annotations

from typing import Final

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, note
from planner.engines import llama_cpp
from planner.engines.api.values import Setting
from planner.engines.arguments import options
from planner.engines.engine import AdapterFormat, Engine, Launch, Option, without_adapters

# Its --lora-scaled takes a path and a scale, its --fit no value, and it keeps one cache a slot.
_OTHERWISE: Final = frozenset(
    {"--fit", "--kv-unified", "--log-verbosity", "--cors-origins", "--offline", "--rerank"}
)

_NOT_TOLD: Final = frozenset({"name", "context", "quantization", "adapters"})


def _options(launch: Launch) -> tuple[Option, ...]:
    shared = (
        option
        for option in llama_cpp.server_options(launch)
        if option.name not in _OTHERWISE and option.name != "--lora-scaled"
    )
    return options(
        *shared,
        *(Option("--lora-scaled", path, more=("0",)) for _, path in launch.adapters),
        # reads chat templates as the model's files have them, as llama.cpp does by itself
        Option("--jinja") if launch.placed.model.spec.task is Task.CHAT else None,
    )


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.ik_llama_cpp`` reads it: what its kin is
    asked for, but what only that one tells."""
    return tuple(item for item in llama_cpp.server_settings(launch) if item.name not in _NOT_TOLD)


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    model, slots = launch.placed.model, launch.placed.model.spec.parallel or 1
    found = list(llama_cpp.check_server(launch))
    if slots > 1 and model.context:
        found.append(note(f"each of its {slots} conversations gets {model.context // slots} tokens",
                          "models", model.name, "parallel",
                          detail="ik_llama.cpp divides the context by its slots",
                          advice=f"write context: {model.context * slots} for as much as one "
                          "alone would have"))  # fmt: skip
    return tuple(found)


IK_LLAMA_CPP: Final = Engine(
    name="ik_llama.cpp",
    aliases=("ik-llama.cpp", "ik_llama"),
    reads=Family.GGUF,
    tasks=(Task.CHAT, Task.EMBEDDING),
    vendors=frozenset({"nvidia"}),
    cpu=True,
    reserves=False,
    folder=False,
    writes=False,
    root=False,
    strengths="fast with experts in RAM",
    options=_options,
    environment=llama_cpp.no_environment,
    check=_check,
    adapters=AdapterFormat.GGUF,
    keys=llama_cpp.KEYS,
    reads_key=True,
    naming=without_adapters,
    settings=_settings,
)
