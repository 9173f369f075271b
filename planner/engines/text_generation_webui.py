"""text-generation-webui: its server without the pages, with llama.cpp inside."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, error
from planner.engines.api.values import Setting
from planner.engines.arguments import given, options
from planner.engines.asked import asked_of
from planner.engines.engine import Engine, Launch, Option
from planner.engines.llama_cpp import (
    cache_types,
    context_tokens,
    experts_override,
    no_environment,
    tensor_split,
)

_TYPES: Final = {"f16": "fp16", "q8_0": "q8_0", "q4_0": "q4_0"}


def _options(launch: Launch) -> tuple[Option, ...]:
    spec, devices, kinds = launch.placed.model.spec, launch.placed.devices, cache_types(launch)
    path = PurePosixPath(launch.model_path)
    layers = (spec.gpu_layers if spec.gpu_layers is not None else 999) if devices else 0
    return options(
        Option("--model-dir", str(path.parent)),
        Option("--model", path.name),
        Option("--loader", "llama.cpp"),
        Option("--api"),
        Option("--api-port", str(launch.port)),
        Option("--listen"),
        Option("--listen-host", launch.host),
        Option("--nowebui"),
        given("--ctx-size", context_tokens(launch)),
        given("--parallel", spec.parallel),
        given("--cache-type", _TYPES.get(kinds[0], kinds[0]) if kinds else None),
        Option("--gpu-layers", str(layers)),  # anything else would let it choose by itself
        given("--tensor-split", tensor_split(devices)),
        given("--split-mode", spec.split_mode),
        Option("--cpu-moe") if spec.cpu_moe and devices else None,
        given("--threads", spec.threads),
        Option("--numa") if launch.placed.host.spec.sockets > 1 else None,
        given("--extra-flags", _extra(launch)),
    )


def _extra(launch: Launch) -> str | None:
    """What its llama-server is told beyond its own options, as one text."""
    experts, factor = experts_override(launch), launch.placed.model.yarn
    words = ["--override-kv", experts] if experts else []
    if factor:
        facts = launch.placed.model.facts
        words += ["--rope-scaling", "yarn", "--rope-scale", f"{factor:g}"]
        words += ["--yarn-orig-ctx", str(facts.rope.native_context)] if facts else []
    return " ".join(words) or None


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.text_generation_webui`` reads it."""
    name = PurePosixPath(launch.model_path).name
    return asked_of(launch.placed.model, files=name, loader="llama.cpp")


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    found, path = [], ("models", launch.placed.model.name)
    kinds, moe = cache_types(launch), launch.placed.model.spec.cpu_moe
    if any(kind not in _TYPES for kind in kinds) or len(set(kinds)) > 1:
        found.append(error("text-generation-webui has one cache type", *path, "kv_dtype",
                           value=launch.placed.model.spec.kv_dtype,
                           advice="write f16, q8_0 or q4_0"))  # fmt: skip
    if moe is not None and 0 < moe < 999:
        found.append(error("text-generation-webui moves the experts of all layers or of none",
                           *path, "cpu_moe", value=moe, advice="write cpu_moe: all"))  # fmt: skip
    return tuple(found)


TEXT_GENERATION_WEBUI: Final = Engine(
    name="text-generation-webui",
    aliases=("textgen", "oobabooga"),
    reads=Family.GGUF,
    tasks=(Task.CHAT,),
    vendors=frozenset({"nvidia", "amd"}),
    cpu=True,
    reserves=False,
    folder=False,
    writes=True,
    root=True,
    strengths="for its own API's clients",
    options=_options,
    environment=no_environment,
    check=_check,
    keys=frozenset(
        {"kv_dtype", "gpu_layers", "cpu_moe", "split_mode", "threads", "experts_per_token", "yarn"}
    ),
    settings=_settings,
)
