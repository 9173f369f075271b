"""The ledger of llama.cpp and its forks: layers by device, cells by slot, one graph buffer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from planner.diagnostics import Diagnostic, error, note, warning
from planner.sizing.architecture import Architecture, Kind, LayerKind
from planner.sizing.engines_memory.common import EngineMemory, Plan, engine_bytes, show, term
from planner.sizing.engines_memory.draft import draft_plan
from planner.sizing.engines_memory.llama_compute import Flavour, Graph, compute_bytes, host_bytes
from planner.sizing.engines_memory.llama_extra import draft_terms, image_encoder, prompt_cache
from planner.sizing.engines_memory.llama_head import guesses, head_term, unused_guesses
from planner.sizing.engines_memory.llama_kv import (
    CacheShape,
    layer_bytes,
    sliding_cells,
    stream_cells,
)
from planner.sizing.engines_memory.llama_moved import HOST, Group, idle, matches
from planner.sizing.engines_memory.llama_reserve import Batch, reserved_bytes
from planner.sizing.engines_memory.llama_weights import (
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
_HOST_RUNTIME: Final = 512 * MIB
_SOURCES: Final = "llama.cpp src/llama-kv-cache*.cpp, llama-memory-recurrent.cpp"


@dataclass(frozen=True, slots=True)
class _Setup:
    """The request with the engine's defaults filled in. No flavour is a current llama.cpp."""

    shape: CacheShape
    flash: bool
    flavour: Flavour | None
    weights: GgufWeights
    where: Assignment


def ledger(
    plan: Plan, shape: CacheShape, flavour: Flavour | None, *, flash: bool, notes: tuple[str, ...]
) -> EngineMemory:
    """All terms of a plan whose cells, flavour and attention are known.

    ``notes`` are what the engine assumed beyond that.
    """
    request = plan.request
    setup = _Setup(shape, flash, flavour, gguf_of(plan), assign(plan))
    devices = tuple(_device(plan, setup, index) for index in range(len(request.devices)))
    host = (*_host(plan, setup), *prompt_cache(plan))
    devices, host = _with_extras(plan, setup, devices, host)
    missing = _missing(plan, devices)
    ram = request.host_memory_bytes
    host_used = sum(item.bytes for item in host)
    found: list[Diagnostic] = [
        *_defaults(plan, setup, notes), *_idle_rules(plan), *unused_guesses(plan)
    ]  # fmt: skip
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
    fits = not missing and (ram is None or host_used <= ram)
    longest = _longest(plan, setup, devices, host)
    return EngineMemory(
        devices, host, fits, shape.context if request.architecture.causal else None, longest,
        tuple(found),
    )  # fmt: skip


def _with_extras(
    plan: Plan, setup: _Setup, devices: tuple[tuple[Term, ...], ...], host: tuple[Term, ...]
) -> tuple[tuple[tuple[Term, ...], ...], tuple[Term, ...]]:
    """The image encoder on the first device, a draft model wherever its layers come to lie, the
    model's own head beside its output."""
    places = [*devices, host]
    places[0] = (*places[0], *image_encoder(plan))
    draft, shape = draft_plan(plan), setup.shape
    if draft is not None:
        alone = replace(shape, context=stream_cells(shape), slots=1, unified=True)
        inner = ledger(draft, alone, setup.flavour, flash=setup.flash, notes=())
        shares = draft_terms(plan, inner, shape.slots)
        places = [(*own, *share) for own, share in zip(places, shares, strict=True)]
    if guesses(plan):
        last = setup.where.output  # HOST counts from the end too
        compute = _compute(plan, setup, last)[0]
        places[last] = (*places[last], head_term(plan, setup.weights, shape, compute))
    return tuple(places[:-1]), places[-1]


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
    writes = plan.request.architecture.kind is Kind.LANGUAGE  # others have no logits
    return Graph(
        setup.shape.context, setup.shape.ubatch, setup.flash, _window_cells(plan, setup.shape),
        writes and setup.where.output == device, bool(setup.where.of(device)),
        _staging(setup, device), plan.kv,
    )  # fmt: skip


def _window_cells(plan: Plan, shape: CacheShape) -> int:
    window = max((layer.window for layer in plan.request.architecture.layers), default=0)
    return sliding_cells(window, shape) if shape.windows else stream_cells(shape) * shape.streams


def _staging(setup: _Setup, device: int) -> int:
    """Gate, up and down of a layer weigh about alike; one is copied over at a time."""
    if device == HOST:
        return 0
    mine, where = set(setup.where.of(device)), setup.where
    moved = [item for item in where.moved if item.target == HOST and item.layer in mine]
    in_ram = where.experts_on_host | {i.layer for i in moved if i.group is Group.EXPERTS}
    sizes = [item.bytes for item in moved if item.group is Group.REST]
    if in_ram & mine:
        sizes.append(max(setup.weights.layers[i].experts for i in in_ram) // 3)
    return max(sizes, default=0)


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
        kept = setup.shape.snapshots
        text += f", each {1 + kept} times: a refused guess is taken back" if kept else ""
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
            setup.where.in_ram else ""), "llama.cpp keeps the input embedding on the host",
        ),
        _cache(plan, setup, HOST),
        term(
            "activations", buffers + output, "input, mask and output buffers of one batch",
            "llama.cpp src/llama-graph.cpp: inputs; llama-context.cpp: one output row a slot",
        ),
        term("runtime", _HOST_RUNTIME, "process, tokenizer and server; a rough figure"),
    )  # fmt: skip


def _idle_rules(plan: Plan) -> list[Diagnostic]:
    rules = plan.request.override_tensor
    if not rules:
        return []
    found = matches(plan.request.architecture, plan.quantization.preset, rules)
    return [
        warning(
            f"override_tensor: {rule} matches no tensor of {plan.request.model}",
            detail="llama.cpp takes such a rule and does nothing; names look like "
            "blk.0.ffn_up_exps.weight",
            advice="correct the pattern, or take the rule out",
        )
        for rule in idle(found, rules)
    ]


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


def _defaults(plan: Plan, setup: _Setup, notes: tuple[str, ...]) -> list[Diagnostic]:
    request = plan.request
    chosen = []
    if request.context is None:
        chosen.append(f"context {setup.shape.context} (set --context: an unset one is shrunk)")
    if request.parallel is None:
        chosen.append(f"{setup.shape.slots} slots")
    if request.ubatch is None:
        chosen.append(f"ubatch {setup.shape.ubatch}")
        if not request.architecture.causal and setup.shape.ubatch < setup.shape.context:
            chosen[-1] += ", which is the longest input then: an encoder reads it at once"
    if request.flash_attention is None:
        chosen.append(f"flash attention {'on' if setup.flash else 'off'}")
    chosen += notes
    return [note("assumed " + ", ".join(chosen))] if chosen else []
