"""text-generation-inference: safetensors on NVIDIA and AMD cards; its makers only maintain it."""

from __future__ import annotations

from typing import Final

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, note
from planner.engines.api.values import Setting
from planner.engines.arguments import given, memory_share, options
from planner.engines.asked import asked_of
from planner.engines.engine import AdapterFormat, Engine, Launch, Naming, Option
from planner.engines.parallel import parallelism
from planner.engines.quantize import check_quantization, precision, quantize_at_load
from planner.farm import FarmModel

_AT_LOAD: Final = {"fp8": "fp8", "bnb-nf4": "bitsandbytes-nf4"}
_CACHE: Final = {"fp8": "fp8_e4m3fn", "fp8_e4m3": "fp8_e4m3fn"}
_WHOLE: Final = frozenset({"auto", "f16", "fp16", "bf16"})


def _options(launch: Launch) -> tuple[Option, ...]:
    model, spec = launch.placed.model, launch.placed.model.spec
    shards, cache = parallelism(launch.placed).tensor, (spec.kv_dtype or "auto").lower()
    context = model.context
    return options(
        Option("--model-id", launch.model_path),
        Option("--hostname", launch.host),
        Option("--port", str(launch.port)),
        given("--max-total-tokens", context),
        # the rest is for the answer: the server wants one token at least
        given("--max-input-tokens", context - 1 if context else None),
        given("--max-batch-total-tokens", launch.placed.report.kv_capacity_tokens),
        given("--max-concurrent-requests", spec.parallel),
        given("--num-shard", shards if shards > 1 else None),
        given("--cuda-memory-fraction", _share(launch)),
        given("--kv-cache-dtype", None if cache in _WHOLE else _CACHE.get(cache, cache)),
        given("--dtype", precision(model)),
        given("--quantize", quantize_at_load(model, _AT_LOAD)),
        given("--lora-adapters", ",".join(f"{n}={path}" for n, path in launch.adapters) or None),
    )


def _share(launch: Launch) -> str | None:
    share = launch.placed.model.memory_share
    return f"{share:.2f}" if share else memory_share(launch.placed.report, frozenset())


def _naming(model: FarmModel, adapters: tuple[str, ...]) -> Naming | None:
    """It takes every other name for that of an adapter; one at a time."""
    return Naming(*adapters or ("tgi",)) if len(adapters) < 2 else None


def _environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    return (("HF_HUB_OFFLINE", "1"), ("USAGE_STATS", "off"))


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.tgi`` reads it."""
    model = launch.placed.model
    return asked_of(
        model, files=launch.model_path, context=model.context, parallel=model.spec.parallel
    )


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    old = note("text-generation-inference gets no new models any more", "models",
               launch.placed.model.name, "engine",
               detail="its makers maintain it and recommend others",
               advice="write engine: vllm")  # fmt: skip
    return (old, *check_quantization(launch.placed.model, _AT_LOAD))


TGI: Final = Engine(
    name="tgi",
    aliases=("text-generation-inference",),
    reads=Family.SAFETENSORS,
    tasks=(Task.CHAT,),
    vendors=frozenset({"nvidia", "amd"}),
    cpu=False,
    reserves=True,
    folder=True,
    writes=True,
    root=True,
    strengths="for farms that have it already",
    options=_options,
    environment=_environment,
    check=_check,
    adapters=AdapterFormat.PEFT,
    keys=frozenset({"kv_dtype", "tensor_parallel"}),
    key_variable="API_KEY",
    naming=_naming,
    caps=frozenset({"--cuda-memory-fraction"}),
    settings=_settings,
)
