"""vLLM: safetensors on NVIDIA and AMD cards, many requests at once, cut over cards both ways."""

from __future__ import annotations

import json
from typing import Final

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, error
from planner.engines.adapters import loaded_at_start, settings
from planner.engines.api.values import Setting
from planner.engines.arguments import as_json, given, memory_share, options
from planner.engines.asked import asked_of_server
from planner.engines.engine import AdapterFormat, Engine, Launch, Option
from planner.engines.model_config import experts_key, nested
from planner.engines.parallel import parallelism
from planner.engines.quantize import check_quantization, precision, quantize_at_load

_CACHE: Final = {"f16": "auto", "fp16": "auto", "bf16": "bfloat16"}
_AT_LOAD: Final = {"fp8": "fp8", "bnb-nf4": "bitsandbytes"}


def _options(launch: Launch) -> tuple[Option, ...]:
    model, spec = launch.placed.model, launch.placed.model.spec
    shape = parallelism(launch.placed)
    return options(
        Option("", launch.model_path),
        Option("--served-model-name", model.name),
        Option("--host", launch.host),
        Option("--port", str(launch.port)),
        given("--max-model-len", model.context),
        given("--max-num-seqs", spec.parallel),
        given("--tensor-parallel-size", shape.tensor if shape.tensor > 1 else None),
        given("--pipeline-parallel-size", shape.pipeline if shape.pipeline > 1 else None),
        Option("--enable-expert-parallel") if spec.expert_parallel else None,
        given("--gpu-memory-utilization", _share(launch)),
        given("--kv-cache-memory-bytes", _pool_bytes(launch), optional=True),
        given("--kv-cache-dtype", _cache(launch)),
        given("--dtype", precision(model)),
        given("--quantization", quantize_at_load(model, _AT_LOAD)),
        given("--rope-scaling", as_json(_stretch(launch)) if _own_option(launch) else None),
        given("--hf-overrides", as_json(_overrides(launch))),
        _pooling(launch) if spec.task in (Task.EMBEDDING, Task.RERANK) else None,
        *_adapters(launch),
    )


def _share(launch: Launch) -> str | None:
    """The share of a card that it may take."""
    model = launch.placed.model
    if model.memory_share:
        return f"{model.memory_share:.2f}"
    return memory_share(launch.placed.report, launch.version.outside_share)


def _cache(launch: Launch) -> str | None:
    written = launch.placed.model.spec.kv_dtype
    return _CACHE.get(written.lower(), written.lower()) if written else None


def _pool_bytes(launch: Launch) -> int | None:
    """The pool of an engine that shares its card: measured at start, two would each count the other
    as their own."""
    if launch.placed.model.memory_share is None:
        return None
    pools = (t.bytes for d in launch.placed.report.devices for t in d.terms if t.name == "kv_cache")
    return min(pools, default=None)


def _adapters(launch: Launch) -> tuple[Option, ...]:
    """Every adapter is named at start, those of tier disk too: one that was pushed out of RAM is
    read from its path again.

    vLLM's own road for files that are found at request opens a port that loads any path, and skips
    an adapter whose configuration names its base by another name than the server's.
    """
    if not launch.adapters:
        return ()
    told = settings(launch.placed.model)
    return options(
        Option("--enable-lora"),
        Option("--max-loras", told["max_loras"]),
        Option("--max-cpu-loras", told["max_cpu_loras"]),
        Option("--max-lora-rank", told["max_lora_rank"]),
        Option("--config", launch.list_path)
        if launch.list_path
        else loaded_at_start("--lora-modules", launch, told.get("lora_modules")),
    )


def _adapter_list(launch: Launch) -> str:
    """The file for ``--config`` that names the adapters; options on the command line go before it.

    Paths and names are JSON texts, which YAML reads as they are.
    """
    rows = [f"- {json.dumps(f'{name}={path}')}" for name, path in launch.adapters]
    return "\n".join(["lora-modules:", *rows, ""])


def _pooling(launch: Launch) -> Option:
    """Vectors and scores instead of text; before 0.10 by the task's own name."""
    if launch.version.knows("--runner"):
        return Option("--runner", "pooling")
    rerank = launch.placed.model.spec.task is Task.RERANK
    return Option("--task", "score" if rerank else "embed")


def _own_option(launch: Launch) -> bool:
    """Whether this version takes YaRN by an option of its own."""
    return launch.version.knows("--rope-scaling")


def _stretch(launch: Launch) -> dict[str, object]:
    model = launch.placed.model
    if not model.yarn or not model.facts:
        return {}
    return {
        "rope_type": "yarn",
        "factor": model.yarn,
        "original_max_position_embeddings": model.facts.rope.native_context,
    }


def _overrides(launch: Launch) -> dict[str, object]:
    """What it is told to read instead of the model's own configuration.

    Models that also see keep the language part's configuration apart: beside it, the same key
    would be read by nobody.
    """
    model = launch.placed.model
    spec, facts = model.spec, model.facts
    found: dict[str, object] = {}
    if spec.experts_per_token:
        found[experts_key(facts)] = spec.experts_per_token
    scaling = {} if _own_option(launch) else _stretch(launch)
    if scaling:
        key = launch.version.words["positions"]
        if key == "rope_parameters" and facts and facts.rope.theta:
            scaling["rope_theta"] = facts.rope.theta
        found[key] = scaling
    return {"text_config": found} if found and nested(facts) else found


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.vllm`` reads it."""
    return asked_of_server(
        launch,
        _cache(launch),
        quantize_at_load(launch.placed.model, _AT_LOAD),
        _share(launch),
    )


def _environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    # weights are on the host already; nothing may be fetched behind the plan's back
    pairs = (("HF_HUB_OFFLINE", "1"), ("VLLM_NO_USAGE_STATS", "1"))
    hot = (("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "1"),) if launch.list_path else ()
    return (*pairs, *hot)


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    path = ("models", launch.placed.model.name)
    found = [*check_quantization(launch.placed.model, _AT_LOAD)]
    if launch.placed.model.yarn and launch.placed.model.facts is None:
        found.append(error("yarn needs the model's own context", *path, "yarn",
                           detail="the catalogue does not know this model",
                           advice="put --hf-overrides into extra_args"))  # fmt: skip
    return tuple(found)


VLLM: Final = Engine(
    name="vllm",
    aliases=(),
    reads=Family.SAFETENSORS,
    tasks=(Task.CHAT, Task.EMBEDDING, Task.RERANK, Task.SPEECH),
    vendors=frozenset({"nvidia", "amd"}),
    cpu=False,
    reserves=True,
    folder=True,
    writes=True,
    root=True,
    strengths="the fastest for many requests at once",
    options=_options,
    environment=_environment,
    check=_check,
    adapters=AdapterFormat.PEFT,
    key_variable="VLLM_API_KEY",
    adapter_list=_adapter_list,
    settings=_settings,
    keys=frozenset(
        {"kv_dtype", "tensor_parallel", "pipeline_parallel", "expert_parallel"}
        | {"experts_per_token", "yarn"}
    ),
    caps=frozenset({"--gpu-memory-utilization", "--kv-cache-memory-bytes", "--kv-cache-memory"}),
)
