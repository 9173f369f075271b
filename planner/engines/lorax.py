"""LoRAX: one base on a card and very many adapters, loaded when a request asks for one."""

from __future__ import annotations

from typing import Final

from planner.blueprint.schema import Task, Tier
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, warning
from planner.engines.api.values import Setting
from planner.engines.arguments import given, memory_share, options
from planner.engines.asked import asked_of
from planner.engines.engine import ADAPTERS, MODELS, AdapterFormat, Engine, Launch, Naming, Option
from planner.engines.parallel import parallelism
from planner.engines.quantize import check_quantization, precision, quantize_at_load
from planner.farm import FarmModel

_AT_LOAD: Final = {"bnb-nf4": "bitsandbytes-nf4"}
_BROKEN: Final = frozenset({"awq", "bnb-nf4"})


def _options(launch: Launch) -> tuple[Option, ...]:
    model, spec = launch.placed.model, launch.placed.model.spec
    shards, context = parallelism(launch.placed).tensor, model.context
    return options(
        Option("--model-id", launch.model_path),
        Option("--hostname", launch.host),
        Option("--port", str(launch.port)),
        given("--max-total-tokens", context),
        given("--max-input-length", context - 1 if context else None),
        given("--max-batch-total-tokens", launch.placed.report.kv_capacity_tokens),
        given("--max-concurrent-requests", spec.parallel),
        given("--num-shard", shards if shards > 1 else None),
        given("--cuda-memory-fraction", _share(launch)),
        given("--dtype", precision(model)),
        given("--quantize", quantize_at_load(model, _AT_LOAD)),
        *_adapters(launch),
    )


def _adapters(launch: Launch) -> tuple[Option, ...]:
    """A request names the folder of the adapter it wants; those of tier vram are there at once."""
    if not launch.adapters:
        return ()
    on_card = {item.name for item in launch.placed.model.adapters if item.tier is Tier.VRAM}
    first = [path for name, path in launch.adapters if name in on_card]
    return options(
        Option("--adapter-source", "local"),
        Option("--default-adapter-source", "local"),
        Option("--max-active-adapters", str(max(1, launch.placed.model.adapter_slots))),
        given("--adapter-memory-fraction", _adapter_share(launch)),
        *(Option("--preloaded-adapter-ids", path) for path in first),
        Option("--preloaded-adapter-source", "local") if first else None,
    )


def _naming(model: FarmModel, adapters: tuple[str, ...]) -> Naming | None:
    """An adapter is asked for by its folder, as it is loaded from there, one at a time; the base by
    its own, as every other name would be an adapter's."""
    folders = {item.name: item.local.digest for item in model.adapters if item.local}
    if len(adapters) > 1 or any(name not in folders for name in adapters):
        return None
    return Naming(f"{ADAPTERS}/{folders[adapters[0]]}" if adapters else MODELS)


def _share(launch: Launch) -> str | None:
    share = launch.placed.model.memory_share
    return f"{share:.2f}" if share else memory_share(launch.placed.report, frozenset())


def _adapter_share(launch: Launch) -> str | None:
    """The part of a card that sizing gave to adapters, rounded up to a hundredth."""
    shares = [
        -(-100 * term.bytes // device.total_bytes)
        for device in launch.placed.report.devices
        for term in device.terms
        if term.name == "adapters" and device.total_bytes
    ]
    return f"{max(shares) / 100:.2f}" if shares else None


def _environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    return (("HF_HUB_OFFLINE", "1"),)


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.lorax`` reads it."""
    model = launch.placed.model
    return asked_of(
        model,
        files=launch.model_path,
        context=model.context,
        parallel=model.spec.parallel,
        dtype=precision(model),
    )


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    model = launch.placed.model
    found = list(check_quantization(model, _AT_LOAD))
    if model.quantization is not None and model.quantization.name in _BROKEN:
        found.append(warning(f"lorax is reported to fail with {model.quantization.name}", "models",
                             model.name, "quant", value=model.spec.quant,
                             detail="https://github.com/predibase/lorax/issues/722",
                             advice="write quant: bf16, or engine: vllm"))  # fmt: skip
    return tuple(found)


LORAX: Final = Engine(
    name="lorax",
    aliases=(),
    reads=Family.SAFETENSORS,
    tasks=(Task.CHAT,),
    vendors=frozenset({"nvidia"}),
    cpu=False,
    reserves=True,
    folder=True,
    writes=True,
    root=True,
    strengths="for very many adapters on one base",
    options=_options,
    environment=_environment,
    check=_check,
    adapters=AdapterFormat.PEFT,
    keys=frozenset({"tensor_parallel"}),
    naming=_naming,
    caps=frozenset({"--cuda-memory-fraction"}),
    settings=_settings,
)
