"""llama.cpp's llama-server: GGUF files, on CPUs and cards of every maker, also split over both."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from planner.blueprint.schema import EVERY_LAYER, Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, error, note
from planner.engines.api.values import Setting
from planner.engines.arguments import given, options
from planner.engines.asked import asked_of
from planner.engines.engine import AdapterFormat, Engine, Launch, Naming, Option
from planner.engines.override_tensor import check_rules
from planner.farm import FarmModel, HostDevice
from planner.units import MIB, ceil_div, round_up

_TYPES: Final = frozenset({"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"})
_NAMES: Final = {"fp16": "f16", "float16": "f16", "bfloat16": "bf16", "fp32": "f32", "q8": "q8_0"}
_PLAIN: Final = frozenset({"f32", "f16", "bf16"})
# A model type's name in GGUF files; settings that override the header begin with it.
_ARCHITECTURES: Final = {
    "deepseek_v2": "deepseek2",
    "deepseek_v3": "deepseek2",
    "glm4_moe": "glm4moe",
    "gpt_oss": "gpt-oss",
    "mixtral": "llama",
    "qwen2_moe": "qwen2moe",
    "qwen3_moe": "qwen3moe",
    "qwen3_next": "qwen3next",
}
# names of file types that the server prints as they are written, but for the size's last letter
_FILE_TYPE: Final = re.compile(r"Q[2-8]_[01K]|Q[2-6]_K_[SML]|BF16|F16|F32")
_POOL_STEP: Final = 256  # tokens; the server rounds its pool up to it
KEYS: Final = frozenset(
    {"kv_dtype", "tensor_parallel", "gpu_layers", "cpu_moe", "override_tensor", "split_mode"}
    | {"threads", "numa", "cpus", "experts_per_token", "yarn"}
)


def server_options(launch: Launch) -> tuple[Option, ...]:
    """What llama-server is told; a fork of it takes most of these too."""
    spec = launch.placed.model.spec
    return options(
        Option("--model", launch.model_path),
        Option("--alias", launch.placed.model.name),
        Option("--host", launch.host),
        Option("--port", str(launch.port)),
        given("--ctx-size", context_tokens(launch)),
        given("--parallel", spec.parallel),
        # one pool for all slots: a request may be as long as the context, as with other engines
        Option("--kv-unified", optional=True) if (spec.parallel or 1) > 1 else None,
        *_cache(launch),
        *_devices(launch),
        *_experts_in_ram(launch),
        *_processor(launch),
        # planner did the sizing; the server would otherwise shrink what it was told
        Option("--fit", "off", optional=True),
        Option("--cache-ram", str(_prompt_cache_mib(launch)), optional=True),
        *_positions(launch),
        *_adapters(launch),
        given("--override-kv", experts_override(launch)),
        *_whole_inputs(launch),
        Option("--embeddings") if spec.task is Task.EMBEDDING else None,
        Option("--rerank") if spec.task is Task.RERANK else None,
        given("--api-key-file", launch.key_file),
        Option("--metrics"),
        # the lowest level at which it says what its buffers take; it shows no questions
        Option("--log-verbosity", "4", optional=True),
        Option("--no-slots", optional=True),  # shows other people's prompts
        Option("--cors-origins", "localhost", optional=True),
        Option("--offline", optional=True),
    )


def _whole_inputs(launch: Launch) -> tuple[Option, ...]:
    """An encoder looks at a whole input at once; without a batch for it the server refuses it."""
    context, report = launch.placed.model.context, launch.placed.report
    encoder = report.kv_bytes_per_token is None and report.max_context is not None
    if not encoder or context is None:
        return ()
    return (Option("--batch-size", str(context)), Option("--ubatch-size", str(context)))


def context_tokens(launch: Launch) -> int | None:
    """Tokens of the pool: what sizing reserved, at least the context; None lets the model say."""
    context = launch.placed.model.context
    capacity = launch.placed.report.kv_capacity_tokens
    if context is None:
        return None
    return max(context, capacity or 0)


def _devices(launch: Launch) -> tuple[Option, ...]:
    devices, layers = launch.placed.devices, launch.placed.model.spec.gpu_layers
    if not devices:
        return ()  # a server built without GPU support warns about the option, even about 0
    amount = Option("--gpu-layers", str(EVERY_LAYER) if layers is None else str(layers))
    if len(devices) == 1:
        return (amount,)
    way = launch.placed.model.spec.split_mode or "layer"
    return options(
        amount, Option("--split-mode", way), given("--tensor-split", tensor_split(devices))
    )


def tensor_split(devices: Sequence[HostDevice]) -> str | None:
    """Shares of the model by card, as much as each can hold; None for fewer than two cards."""
    shares = [str(device.memory_bytes // MIB) for device in devices]
    return ",".join(shares) if len(shares) > 1 else None


def _experts_in_ram(launch: Launch) -> tuple[Option, ...]:
    spec = launch.placed.model.spec
    if not launch.placed.devices:
        return ()  # all of it is in RAM
    every = spec.cpu_moe is not None and spec.cpu_moe >= EVERY_LAYER
    return options(
        Option("--cpu-moe") if every else given("--n-cpu-moe", spec.cpu_moe),
        *(Option("--override-tensor", rule) for rule in spec.override_tensor),
    )


def _processor(launch: Launch) -> tuple[Option, ...]:
    """Threads and where they run. Bound to nodes by its unit, it keeps to those; else it spreads
    over the sockets."""
    spec, host = launch.placed.model.spec, launch.placed.host.spec
    way = "numactl" if spec.numa else "distribute" if host.sockets > 1 else None
    ranges = spec.cpus.split(",") if spec.cpus else []
    return options(
        given("--threads", spec.threads),
        *(
            # one range is all that it takes; several are left to the unit's own binding
            (Option("--cpu-range", ranges[0]), Option("--cpu-strict", "1"))
            if len(ranges) == 1 and "-" in ranges[0]
            else ()
        ),
        given("--numa", way),
    )


def _cache(launch: Launch) -> tuple[Option, ...]:
    kinds = cache_types(launch)
    if not kinds:
        return ()
    keys, values = kinds[0], kinds[-1]
    # a quantized V cache works with flash attention only
    flash = () if values in _PLAIN else (Option("--flash-attn", "on"),)
    return (Option("--cache-type-k", keys), Option("--cache-type-v", values), *flash)


def cache_types(launch: Launch) -> list[str]:
    """The types of keys and values as llama.cpp names them, one where they are the same; none
    without a wish."""
    written = launch.placed.model.spec.kv_dtype
    if written is None or written == "auto":
        return []
    return [_NAMES.get(kind, kind) for kind in written.lower().replace(" ", "").split(",")]


def _positions(launch: Launch) -> tuple[Option, ...]:
    factor, facts = launch.placed.model.yarn, launch.placed.model.facts
    if factor is None:
        return ()
    original = facts.rope.native_context if facts else None
    return options(
        Option("--rope-scaling", "yarn"),
        Option("--rope-scale", f"{factor:g}"),
        given("--yarn-orig-ctx", original),
    )


def _adapters(launch: Launch) -> tuple[Option, ...]:
    """Every adapter is loaded at scale 0: the plain model answers, and a request names others by
    their place in this list.

    --lora-init-without-apply is no way to this: requests would still begin from scale 1.
    """
    if not launch.adapters:
        return ()
    return (Option("--lora-scaled", ",".join(f"{path}:0" for _, path in launch.adapters)),)


def _naming(model: FarmModel, adapters: tuple[str, ...]) -> Naming:
    """Every adapter's scale is said, by its place in the list: what is left out keeps the scale
    that the server has. Several add up."""
    names = [item.name for item in model.adapters]
    scales = [{"id": place, "scale": int(name in adapters)} for place, name in enumerate(names)]
    return Naming(model.name, json.dumps({"lora": scales}) if scales else "{}")


def experts_override(launch: Launch) -> str | None:
    """The value of --override-kv for another number of active experts; None without a wish."""
    count, name = launch.placed.model.spec.experts_per_token, _architecture(launch)
    return f"{name}.expert_used_count=int:{count}" if count and name else None


def _architecture(launch: Launch) -> str | None:
    """``general.architecture`` of the model's GGUF files, or None when that is not known."""
    facts, shape = launch.placed.model.facts, launch.placed.model.architecture
    kind = facts.model_type if facts else shape.family if shape else ""
    return _ARCHITECTURES.get(kind)


def _prompt_cache_mib(launch: Launch) -> int:
    """What sizing counted for it; nothing otherwise, where the default would take 8 GiB of RAM."""
    terms = launch.placed.report.host.terms
    return ceil_div(sum(term.bytes for term in terms if term.name == "prompt_cache"), MIB)


def server_settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.llama_cpp`` reads it."""
    model, pool = launch.placed.model, context_tokens(launch)
    kinds = cache_types(launch)
    # slots with a pool each round each of them
    unified = (model.spec.parallel or 1) == 1 or launch.version.knows("--kv-unified")
    return asked_of(
        model,
        name=model.name,
        context=model.context,
        pool=round_up(pool, _POOL_STEP) if pool and unified else None,
        parallel=model.spec.parallel,
        kv_dtype=f"{kinds[0]},{kinds[-1]}" if kinds else None,
        experts=model.spec.experts_per_token,
        yarn=f"{model.yarn:.3g}" if model.yarn else None,
        gpu_layers=_layers(launch),
        quantization=file_type(launch),
        adapters=",".join(path for _, path in launch.adapters) or None,
    )


def _layers(launch: Launch) -> str | None:
    if not launch.placed.devices:
        return None
    written = launch.placed.model.spec.gpu_layers
    return "all" if written is None else str(written)


def file_type(launch: Launch) -> str | None:
    """What the file must be made of, where the blueprint says so in llama.cpp's own words."""
    written = launch.placed.model.spec.quant
    name = written.upper() if written else ""
    return name if _FILE_TYPE.fullmatch(name) else None


def no_environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    """It is told everything by options."""
    return ()


def check_server(launch: Launch) -> tuple[Diagnostic, ...]:
    """What llama-server cannot do of what is asked."""
    model, found = launch.placed.model, []
    path = ("models", model.name)
    for kind in cache_types(launch):
        if kind not in _TYPES:
            found.append(error(f"llama.cpp has no {kind} cache", *path, "kv_dtype", value=kind,
                               advice="write f16, q8_0 or q4_0"))  # fmt: skip
    if model.spec.experts_per_token and _architecture(launch) is None:
        found.append(error("the file's architecture is not known", *path, "experts_per_token",
                           detail="the setting's name starts with it",
                           advice="use a local GGUF file, or leave the number out"))  # fmt: skip
    found += check_rules(launch)
    if (model.spec.tensor_parallel or 1) > 1 and model.spec.split_mode is None:
        found.append(note("llama.cpp splits by layers, not tensors", *path, "tensor_parallel",
                          advice="write split_mode: row, or tensor, to share layers"))  # fmt: skip
    return tuple(found)


LLAMA_CPP: Final = Engine(
    name="llama.cpp",
    aliases=("llama-cpp", "llamacpp"),
    reads=Family.GGUF,
    tasks=(Task.CHAT, Task.EMBEDDING, Task.RERANK),
    vendors=frozenset({"nvidia", "amd", "intel", "apple"}),
    cpu=True,
    reserves=False,
    folder=False,
    writes=False,
    root=False,
    strengths="reads K-quants and runs with or without a GPU",
    options=server_options,
    environment=no_environment,
    check=check_server,
    adapters=AdapterFormat.GGUF,
    reads_key=True,
    settings=server_settings,
    keys=KEYS,
    naming=_naming,
)
