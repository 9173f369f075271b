"""llama.cpp, ik_llama.cpp and Ollama: layers by device, cells by slot, one graph buffer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from planner.diagnostics import Diagnostic, error, note
from planner.sizing.architecture import Architecture, LayerKind
from planner.sizing.engines_memory.common import EngineMemory, Plan, engine_bytes, show, term
from planner.sizing.engines_memory.llama_compute import (
    IK,
    MAINLINE,
    Flavour,
    Graph,
    compute_bytes,
    host_bytes,
)
from planner.sizing.engines_memory.llama_kv import (
    AUTO_SLOTS,
    CacheShape,
    Latent,
    layer_bytes,
    sliding_cells,
    stream_cells,
)
from planner.sizing.engines_memory.llama_reserve import Batch, reserved_bytes
from planner.sizing.engines_memory.llama_weights import (
    HOST,
    Assignment,
    assign,
    device_weights,
    gguf_of,
)
from planner.sizing.gguf import GgufWeights
from planner.sizing.values import Term
from planner.units import MIB

# driver, CUDA context and cuBLAS beside the logged buffers (llama.cpp pull 15860: "unaccounted")
_RUNTIME: Final = 450 * MIB
# Builds at which a mechanism began. Reserving few output rows is assumed only where a version is
# given, because the older, larger buffer is the safer one; the others are assumed to be there.
_LATENT_FROM: Final = 5140  # pull 12801, April 2025
_AUTO_SLOTS_FROM: Final = 6930  # pull 16736, November 2025
_KEY_ONLY_FROM: Final = 7830  # pull 19067, January 2026
_FEW_OUTPUTS_FROM: Final = 9000  # 2026; a log of October and build 11669 show it
_NEWEST: Final = 11669  # versions such as 0.7.0 came after build numbers alone
_HOST_RUNTIME: Final = 512 * MIB
# what planner installs where a blueprint names no version; a test holds the two together
LATEST: Final = "0.7.0"
_SOURCES: Final = "llama.cpp src/llama-kv-cache*.cpp, llama-memory-recurrent.cpp"


@dataclass(frozen=True, slots=True)
class _Setup:
    """The request with the engine's defaults filled in. No flavour is a current llama.cpp."""

    shape: CacheShape
    flash: bool
    flavour: Flavour | None
    weights: GgufWeights
    where: Assignment


def llama_cpp(plan: Plan) -> EngineMemory:
    """llama.cpp's server: unset slots mean four that share one cache."""
    request, build = plan.request, _build(plan)
    known = _NEWEST if build is None else build
    automatic = AUTO_SLOTS if known >= _AUTO_SLOTS_FROM else 1
    slots = automatic if request.parallel is None else request.parallel
    unified = request.parallel is None if request.unified is None else request.unified
    ubatch = request.ubatch or min(512, request.batch or 512)
    shape = CacheShape(_context(plan), slots, unified, ubatch, windows=True, latent=_latent(known))
    few = build is not None and build >= _FEW_OUTPUTS_FROM
    return _memory(plan, shape, None if few else MAINLINE)


def _latent(build: int) -> Latent:
    if build < _LATENT_FROM:
        return Latent.EXPANDED
    return Latent.KEY if build >= _KEY_ONLY_FROM else Latent.KEY_AND_VALUE


def _build(plan: Plan) -> int | None:
    """The build number in a version such as ``b11669``; None where no version is given."""
    text = plan.request.engine_version
    if text is None:
        return None
    found = re.search(r"\d{4,6}", text)
    return int(found[0]) if found else _NEWEST


def ik_llama_cpp(plan: Plan) -> EngineMemory:
    """ik_llama.cpp: no window saving; MLA keeps the compressed cache."""
    request = plan.request
    ubatch = request.ubatch or min(512, request.batch or 512)
    shape = CacheShape(_context(plan), request.parallel or 1, True, ubatch, windows=False)
    return _memory(plan, shape, IK)


def ollama(plan: Plan) -> EngineMemory:
    """Ollama: every parallel request has its own full context."""
    request = plan.request
    slots = request.parallel or 1
    context = (request.context or 4096) * slots
    shape = CacheShape(context, slots, False, request.ubatch or 512, windows=True)
    return _memory(plan, shape, MAINLINE)


def _context(plan: Plan) -> int:
    return plan.request.context or plan.request.architecture.max_position or 4096


def _memory(plan: Plan, shape: CacheShape, flavour: Flavour | None) -> EngineMemory:
    request = plan.request
    flash = request.flash_attention is not False
    setup = _Setup(shape, flash, flavour, gguf_of(plan), assign(plan))
    devices = tuple(_device(plan, setup, index) for index in range(len(request.devices)))
    host = _host(plan, setup)
    missing = _missing(plan, devices)
    ram = request.host_memory_bytes
    host_used = sum(item.bytes for item in host)
    found: list[Diagnostic] = list(_defaults(plan, setup))
    for index, size in missing:
        found.append(
            error(
                f"device {index}: {show(size)} are missing",
                detail="weights, KV cache and compute buffer exceed its memory",
                advice="lower --context, keep experts in RAM with --cpu-moe, or --gpu-layers",
            )
        )
    if ram is not None and host_used > ram:
        found.append(error(f"the host's RAM lacks {show(host_used - ram)}"))
    mixed = request.architecture.latent_heads and plan.kv.key != plan.kv.value
    if mixed:
        found.append(
            error(
                f"a latent (MLA) cache has one type, not {plan.kv}",
                advice=f"write --kv-dtype {plan.kv.key}",
            )
        )
    fits = not missing and not mixed and (ram is None or host_used <= ram)
    longest = _longest(plan, setup, devices, host)
    return EngineMemory(
        devices, host, fits, shape.context if request.architecture.causal else None, longest,
        tuple(found),
    )  # fmt: skip


def _compute(plan: Plan, setup: _Setup, device: int) -> tuple[int, str]:
    """Bytes of a device's compute buffer, and what sets it."""
    a, shape = plan.request.architecture, setup.shape
    if setup.flavour is not None:
        return compute_bytes(a, _graph(plan, setup, device), setup.flavour)
    return reserved_bytes(
        a,
        Batch(
            stream_cells(shape), _window_cells(plan, shape) // shape.streams,
            min(shape.context, shape.ubatch), shape.streams, shape.slots, setup.flash,
            device == HOST, bool(setup.where.of(device)), _staging(setup, device),
        ),
    )  # fmt: skip


def _graph(plan: Plan, setup: _Setup, device: int) -> Graph:
    return Graph(
        setup.shape.context, setup.shape.ubatch, setup.flash, _window_cells(plan, setup.shape),
        setup.where.output == device, bool(setup.where.of(device)), _staging(setup, device),
        plan.kv,
    )  # fmt: skip


def _window_cells(plan: Plan, shape: CacheShape) -> int:
    window = max((layer.window for layer in plan.request.architecture.layers), default=0)
    return sliding_cells(window, shape) if shape.windows else shape.context


def _staging(setup: _Setup, device: int) -> int:
    """Gate, up and down of a layer weigh about alike; one is copied over at a time."""
    if device == HOST or not setup.where.experts_on_host & set(setup.where.of(device)):
        return 0
    return max(setup.weights.layers[i].experts for i in setup.where.experts_on_host) // 3


def _cache(plan: Plan, setup: _Setup, device: int) -> Term:
    a = plan.request.architecture
    mine = setup.where.of(device)
    sizes = [layer_bytes(a.layers[i], a, plan.kv, setup.shape) for i in mine]
    cached = sum(1 for i in mine if a.layers[i].kind is not LayerKind.LINEAR)
    return term(
        "kv_cache",
        sum(sizes),
        f"{setup.shape.context} cells, {setup.shape.slots} slots, {cached} attention layers as "
        f"{plan.kv}" + _extra(a, setup),
        _SOURCES,
    )


def _extra(a: Architecture, setup: _Setup) -> str:
    text = ""
    if any(layer.kind is LayerKind.SLIDING for layer in a.layers) and setup.shape.windows:
        text += ", sliding layers cut to their window"
    if any(layer.kind is LayerKind.LINEAR for layer in a.layers):
        text += f", recurrent state in f32 for {setup.shape.slots}"
    return text


def _adapters(plan: Plan, device: int, setup: _Setup) -> Term:
    from planner.sizing.adapters import adapter_bytes

    count = plan.request.adapters or 0
    if not count:
        return term("adapters", 0, "no adapters")
    rank = plan.request.adapter_rank or 16
    mine = setup.where.of(device)
    span = range(mine[0], mine[-1] + 1) if mine else range(0)
    each = adapter_bytes(plan.request.architecture, rank, layers=span)
    return term(
        "adapters", count * each, f"{count} adapters of rank {rank} in 16 bit on all linears",
        "llama.cpp src/llama-adapter.cpp: each lies beside its base tensors",
    )  # fmt: skip


def _device(plan: Plan, setup: _Setup, index: int) -> tuple[Term, ...]:
    device = plan.request.devices[index]
    size, why = _compute(plan, setup, index)
    mine = setup.where.of(index)
    hidden = (device.memory_bytes or 0) - (engine_bytes(device) or 0)
    weights = device_weights(setup.weights, setup.where, index)
    output = " and the output" if setup.where.output == index else ""
    return (
        term(
            "weights", weights, f"{plan.quantization.name}: {len(mine)} layers{output}",
            "tensor types by llama-quant's rules" if plan.quantization.exact else "estimated mix",
        ),
        _cache(plan, setup, index),
        term("activations", size, why, "llama.cpp graph, worst case of one physical batch"),
        term("graphs", 0, "captured inside the compute buffer"),
        _adapters(plan, index, setup),
        term(
            "runtime", 0 if device.unified else _RUNTIME + max(0, hidden - _RUNTIME),
            "driver and CUDA context", "llama.cpp pull 15860 (unaccounted)",
        ),
    )  # fmt: skip


def _host(plan: Plan, setup: _Setup) -> tuple[Term, ...]:
    a = plan.request.architecture
    weights = device_weights(setup.weights, setup.where, HOST)
    graph = _graph(plan, setup, HOST)
    buffers = host_bytes(a, graph)
    if graph.has_layers:  # the CPU's own buffer holds its inputs too
        own = _compute(plan, setup, HOST)[0]
        buffers = max(buffers, own) if setup.flavour else own
    output = 0 if a.causal is False else a.vocab * setup.shape.slots * 4
    return (
        term(
            "weights", weights,
            "input embedding" + (", layers and experts kept in RAM" if graph.has_layers or
            setup.where.experts_on_host else ""), "llama.cpp keeps the input embedding on the host",
        ),
        _cache(plan, setup, HOST),
        term("activations", buffers + output, "input, mask and output buffers of one batch"),
        term("runtime", _HOST_RUNTIME, "process, tokenizer and server; a rough figure"),
    )  # fmt: skip


def _missing(plan: Plan, devices: tuple[tuple[Term, ...], ...]) -> list[tuple[int, int]]:
    found = []
    for index, terms in enumerate(devices):
        total = plan.request.devices[index].memory_bytes
        used = sum(item.bytes for item in terms)
        if total is not None and used > total:
            found.append((index, used - total))
    return found


def _longest(
    plan: Plan, setup: _Setup, devices: tuple[tuple[Term, ...], ...], host: tuple[Term, ...]
) -> int | None:
    """The longest context whose cache the free memory holds beside the other terms."""
    a = plan.request.architecture
    longest = a.max_position or setup.shape.context
    places = [
        (d.memory_bytes, terms) for d, terms in zip(plan.request.devices, devices, strict=True)
    ]
    if plan.request.host_memory_bytes is not None:
        places.append((plan.request.host_memory_bytes, host))
    for total, terms in places:
        if total is None:
            return None
        cache = sum(item.bytes for item in terms if item.name == "kv_cache")
        free = total - sum(item.bytes for item in terms) + cache
        if a.causal and cache:
            longest = min(longest, max(0, free) * setup.shape.context // cache)
    return longest


def _defaults(plan: Plan, setup: _Setup) -> list[Diagnostic]:
    request = plan.request
    chosen = []
    if request.context is None:
        chosen.append(f"context {setup.shape.context} (set --context: an unset one is shrunk)")
    if request.parallel is None:
        chosen.append(f"{setup.shape.slots} slots")
    if request.ubatch is None:
        chosen.append(f"ubatch {setup.shape.ubatch}")
    if request.flash_attention is None:
        chosen.append("flash attention on")
    return [note("assumed " + ", ".join(chosen))] if chosen else []
