"""SGLang: safetensors on NVIDIA and AMD cards, with a static share of each card."""

from __future__ import annotations

from typing import Final

from planner.blueprint.schema import Task, Tier
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, error
from planner.engines.adapters import loaded_at_start, settings
from planner.engines.api.values import Setting
from planner.engines.arguments import as_json, given, memory_share, options
from planner.engines.asked import asked_of_server
from planner.engines.engine import AdapterFormat, Engine, Launch, Naming, Option
from planner.engines.model_config import experts_key, nested
from planner.engines.parallel import parallelism
from planner.engines.quantize import check_quantization, precision, quantize_at_load
from planner.farm import FarmModel

_AT_LOAD: Final = {"fp8": "fp8"}
_CACHE: Final = {"f16": "auto", "fp16": "auto", "fp8": "fp8_e4m3", "bf16": "bf16"}


def _options(launch: Launch) -> tuple[Option, ...]:
    model, spec = launch.placed.model, launch.placed.model.spec
    shape = parallelism(launch.placed)
    return options(
        Option("--model-path", launch.model_path),
        Option("--served-model-name", model.name),
        Option("--host", launch.host),
        Option("--port", str(launch.port)),
        given("--context-length", model.context),
        given("--max-running-requests", spec.parallel),
        given("--tp-size", shape.tensor if shape.tensor > 1 else None),
        given("--pp-size", shape.pipeline if shape.pipeline > 1 else None),
        given("--ep-size", shape.tensor if spec.expert_parallel else None),
        given(
            "--mem-fraction-static",
            memory_share(launch.placed.report, launch.version.outside_share),
        ),
        given("--kv-cache-dtype", _cache(launch)),
        given("--dtype", precision(model)),
        given("--quantization", quantize_at_load(model, _AT_LOAD)),
        given("--json-model-override-args", as_json(_overrides(launch))),
        Option("--is-embedding") if spec.task in (Task.EMBEDDING, Task.RERANK) else None,
        Option("--enable-metrics"),
        *_adapters(launch),
    )


def _cache(launch: Launch) -> str | None:
    written = launch.placed.model.spec.kv_dtype
    return _CACHE.get(written.lower(), written.lower()) if written else None


def _overrides(launch: Launch) -> dict[str, object]:
    """What it is told to read instead of the model's own configuration."""
    model, words = launch.placed.model, launch.version.words
    facts, experts = model.facts, model.spec.experts_per_token
    found: dict[str, object] = {}
    if experts:
        found[experts_key(facts)] = experts
    if model.yarn and facts:
        key = words["positions"]
        scaling: dict[str, object] = {
            "rope_type": "yarn",
            "factor": model.yarn,
            "original_max_position_embeddings": facts.rope.native_context,
        }
        if key == "rope_parameters" and facts.rope.theta:
            scaling["rope_theta"] = facts.rope.theta
        found[key] = scaling
    inner = words.get("language")
    return {inner: found} if found and inner and nested(facts) else found


def _adapters(launch: Launch) -> tuple[Option, ...]:
    if not launch.adapters:
        return ()
    told = settings(launch.placed.model)
    return options(
        Option("--enable-lora"),
        Option("--max-loras-per-batch", told["max_loras_per_batch"]),
        Option("--max-loaded-loras", told["max_loaded_loras"]),
        Option("--max-lora-rank", told["max_lora_rank"]),
        loaded_at_start("--lora-paths", launch, told.get("lora_paths")),
    )


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.sglang`` reads it."""
    return asked_of_server(
        launch,
        _cache(launch),
        quantize_at_load(launch.placed.model, _AT_LOAD),
        memory_share(launch.placed.report, launch.version.outside_share),
    )


def _naming(model: FarmModel, adapters: tuple[str, ...]) -> Naming | None:
    """One at a time, behind the model's name."""
    return Naming(":".join((model.name, *adapters))) if len(adapters) < 2 else None


def _environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    pairs = (("HF_HUB_OFFLINE", "1"),)
    # it refuses a context beyond the configuration's, also one that YaRN reaches
    longer = (("SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN", "1"),)
    return (*pairs, *longer) if launch.placed.model.yarn else pairs


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    spec, path = launch.placed.model.spec, ("models", launch.placed.model.name)
    found = [*check_quantization(launch.placed.model, _AT_LOAD)]
    facts = launch.placed.model.facts
    written = {"yarn": launch.placed.model.yarn, "experts_per_token": spec.experts_per_token}
    overridden = [key for key, asked in written.items() if asked]
    if launch.placed.model.yarn and facts is None:
        found.append(error("yarn needs the model's own context", *path, "yarn",
                           detail="the catalogue does not know this model",
                           advice="put --json-model-override-args into extra_args"))  # fmt: skip
    if overridden and nested(facts) and "language" not in launch.version.words:
        found.append(error(f"sglang does not hear of {overridden[0]} in this model", *path,
                           overridden[0], detail="its language part has a configuration of its "
                           "own, which the override reaches from 0.5.17 on",
                           advice="write engine_version: 0.5.17, or engine: vllm"))  # fmt: skip
    late = [item.name for item in launch.placed.model.adapters if item.tier is Tier.DISK]
    if late:
        found.append(error(f"sglang loads no adapter at request: {', '.join(late)}", *path,
                           "adapters", advice="write ram for them, or engine: vllm"))  # fmt: skip
    return tuple(found)


SGLANG: Final = Engine(
    name="sglang",
    aliases=(),
    reads=Family.SAFETENSORS,
    tasks=(Task.CHAT, Task.EMBEDDING),
    vendors=frozenset({"nvidia", "amd"}),
    cpu=False,
    reserves=True,
    folder=True,
    writes=True,
    root=True,
    strengths="fast where requests share long beginnings",
    options=_options,
    environment=_environment,
    check=_check,
    adapters=AdapterFormat.PEFT,
    settings=_settings,
    keys=frozenset(
        {"kv_dtype", "tensor_parallel", "pipeline_parallel", "expert_parallel"}
        | {"experts_per_token", "yarn"}
    ),
    naming=_naming,
    caps=frozenset({"--mem-fraction-static"}),
)
