"""vLLM: the KV pool is what weights, profiled activations and the runtime leave of the budget.

    pool = total * gpu_memory_utilization - weights - adapters - peak activation - non-torch

The identity holds to 0.02 GiB on logged lines (vLLM pull 10511, llm-d-planner logs).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from planner.diagnostics import Diagnostic, error, note
from planner.sizing.adapters import adapter_bytes, adapter_rank, vocabulary_bytes
from planner.sizing.architecture import Architecture, Role
from planner.sizing.engines_memory.common import (
    EngineMemory,
    Plan,
    correction,
    engine_bytes,
    show,
    term,
    version_of,
)
from planner.sizing.engines_memory.draft import draft_plan, pool_share
from planner.sizing.engines_memory.vllm_images import encoder_peak
from planner.sizing.engines_memory.vllm_versions import LATEST, Era, era_of
from planner.sizing.kv import PagedPool, paged_pool, token_bytes
from planner.sizing.quantization import GGUF_STORAGES, Storage
from planner.sizing.values import Accelerator, Term
from planner.sizing.weights import loaded_weights, stage_layers
from planner.units import GIB, MIB, ceil_div

# cards with this much memory get the server's larger defaults (vllm/engine/arg_utils.py)
_LARGE: Final = 70 * GIB
_SYMMETRIC: Final = ("hopper-", "blackwell-gb100")
_CHUNKED_FROM: Final = 32768
# what the allocator rounds up per layer of unmerged GGUF tensors (logs of two models)
_GGUF_LAYER: Final = 2 * MIB
# point-to-point stages alone need hardly any library memory (llm-d-planner, PP table)
_PIPELINE_ONLY: Final = 72 * MIB
# bitsandbytes_loader.py, dequantize_dq
_SCALES_UNPACKED_FROM: Final = (0, 9)
_SERVER: Final = 2 * GIB
_WORKER: Final = 2 * GIB
_SWAP: Final = 4 * GIB
_IDENTITY: Final = "vLLM worker memory profiling"


@dataclass(frozen=True, slots=True)
class _Setup:
    """The request with vLLM's defaults filled in."""

    era: Era
    tp: int
    pp: int
    utilization: float
    sequences: int
    batch: int
    context: int
    total: int
    visible: int


def memory(plan: Plan) -> EngineMemory:
    """Terms per rank, and what the pool holds."""
    plan = _as_loaded(plan)
    setup = _setup(plan)
    request = plan.request
    ranks = setup.tp * setup.pp
    devices: list[tuple[Term, ...]] = []
    pools: list[tuple[int, PagedPool | None]] = []
    for rank in range(ranks):
        stage = rank // setup.tp
        terms, pool = _rank(plan, setup, stage)
        devices.append(terms)
        pools.append((pool, _paged(plan, setup, stage, pool)))
    found: list[Diagnostic] = list(_defaults(plan, setup))
    worst = min(pools, key=lambda item: item[0])
    paged = worst[1]
    tokens = min((p.tokens for _, p in pools if p is not None), default=0)
    longest = min((p.longest for _, p in pools if p is not None), default=0)
    causal = request.architecture.causal
    fits = worst[0] > 0 and (not causal or longest >= setup.context)
    if worst[0] <= 0:
        found.append(_no_pool(setup, worst[0]))
    elif causal and not fits:
        found.append(_too_long(setup, longest))
    graphs = next(t.bytes for t in devices[0] if t.name == "graphs")
    outside = int(setup.visible * (1 - setup.utilization))
    if fits and not setup.era.graphs_in_budget and graphs > outside:
        fits = False
        found.append(_graphs_do_not_fit(graphs, outside))
    host = _host(setup)
    return EngineMemory(
        tuple(devices), host, fits, tokens if paged else 0 if causal else None,
        longest if paged else 0 if causal else None, tuple(found), setup.utilization,
    )  # fmt: skip


def _as_loaded(plan: Plan) -> Plan:
    """vLLM unpacks double quantized scales while it loads, for speed; Unsloth's mixes keep them."""
    quantization = plan.quantization
    packed = quantization.storage is Storage.NF4 and not quantization.wide_share
    if not packed or version_of(plan.request.engine_version, LATEST) < _SCALES_UNPACKED_FROM:
        return plan
    return replace(plan, quantization=replace(quantization, storage=Storage.NF4_LOADED))


def _setup(plan: Plan) -> _Setup:
    request = plan.request
    version = version_of(request.engine_version, LATEST)
    era = era_of(version)
    device = request.devices[0]
    visible = engine_bytes(device) or 0
    context = request.context or request.architecture.max_position or 2048
    large = visible >= _LARGE and version >= (0, 8)
    sequences = request.parallel or (1024 if large and version >= (0, 10) else 256)
    images = bool(request.architecture.vision_parameters) and not era.hybrid_manager
    batch = request.batch or _default_batch(era, context, large=large, images=images)
    tp, pp = request.tp or 1, request.pp or 1
    if request.tp is None and request.pp is None and len(request.devices) > 1:
        tp = len(request.devices)
    return _Setup(
        era, tp, pp, request.gpu_memory_utilization or era.utilization, sequences, batch, context,
        device.memory_bytes or visible, visible,
    )  # fmt: skip


def _default_batch(era: Era, context: int, *, large: bool, images: bool) -> int:
    if images:  # V0 does not chunk prompts with images
        return max(context, 5120)
    if era.profiles_whole_prompt:
        return context if 2048 < context <= _CHUNKED_FROM else 2048
    return 8192 if large else 2048


def _rank(plan: Plan, setup: _Setup, stage: int) -> tuple[tuple[Term, ...], int]:
    """Terms of a rank on a pipeline stage, and the pool before it is clipped at zero."""
    weights = _weights(plan, setup, stage)
    adapters = _adapters(plan, setup, stage)
    activations = _activations(plan, setup, stage)
    graphs = _graphs(plan, setup)
    several = setup.tp > 1
    non_torch = _libraries(plan.request.devices[0], setup)
    if setup.pp > 1 and not several:
        non_torch = min(non_torch, _PIPELINE_ONLY)
    budget = int(setup.visible * setup.utilization)
    inside = graphs.bytes if setup.era.graphs_in_budget else 0
    draft = _draft(plan, setup, stage)
    beside = sum(item.bytes for item in draft)
    pool = budget - weights.bytes - adapters.bytes - activations.bytes - non_torch - inside
    pool -= beside
    hidden = setup.total - setup.visible
    runtime = term(
        "runtime",
        non_torch + hidden,
        f"CUDA context and libraries {show(non_torch)}"
        + (" with NCCL" if several else "")
        + (f" + {show(hidden)} that the driver keeps back" if hidden else ""),
        setup.era.source,
    )
    cache = term(
        "kv_cache",
        pool if plan.request.architecture.causal else 0,
        f"{show(setup.visible)} x {setup.utilization:g} = {show(budget)}, less weights "
        f"{show(weights.bytes)}, adapters {show(adapters.bytes)}, activations "
        f"{show(activations.bytes)}, runtime {show(non_torch)}"
        + (f", graphs {show(inside)}" if inside else "")
        + (f", draft {show(beside)}" if beside else ""),
        _IDENTITY,
    )
    return (weights, cache, activations, graphs, adapters, runtime, *draft), pool


def _draft(plan: Plan, setup: _Setup, stage: int) -> tuple[Term, ...]:
    """The draft model's weights; its cache takes a share of the pool."""
    draft = draft_plan(plan)
    if draft is None or stage != setup.pp - 1:
        return ()
    a = draft.request.architecture
    loaded = loaded_weights(a, draft.quantization, setup.tp)
    why = f"{draft.request.model}: {a.parameters:,} parameters as {draft.quantization.storage}"
    return (term("draft", loaded.total, why, "vLLM issue 6768: added to the model's own"),)


def _libraries(device: Accelerator, setup: _Setup) -> int:
    """CUDA context and libraries of a rank.

    Ranks that map each other's memory reserve for it (symmetric memory and fused all-reduce, for
    compute capability 9.0 and 10.0 over NVLink); a nameless card of a server's size counts as such.
    """
    if setup.tp == 1:
        return setup.era.non_torch
    server = device.nvlink and device.architecture.startswith(_SYMMETRIC)
    nameless = not device.vendor and setup.visible >= _LARGE
    return setup.era.non_torch_symmetric if server or nameless else setup.era.non_torch_tp


def _weights(plan: Plan, setup: _Setup, stage: int) -> Term:
    request = plan.request
    if plan.quantization.storage in GGUF_STORAGES:
        from planner.sizing.engines_memory.llama_weights import gguf_of

        count = setup.tp * setup.pp
        size = gguf_of(plan).file_bytes // count + _GGUF_LAYER * len(request.architecture.layers)
        size += sum(rope.positions * rope.dim * 2 for rope in request.architecture.ropes)
        return term("weights", size, f"{plan.quantization.name} tensors / {count}, rotary tables")
    loaded = loaded_weights(
        request.architecture, plan.quantization, setup.tp, setup.pp, stage,
        whole_experts=request.expert_parallel,
    )  # fmt: skip
    stored = correction(plan) // (setup.tp * setup.pp)
    split = f" on stage {stage + 1} of {setup.pp}" if setup.pp > 1 else ""
    ranks = f", one of {setup.tp} ranks" if setup.tp > 1 else ""
    return term(
        "weights",
        loaded.total + stored,
        f"{request.architecture.parameters:,} parameters as {plan.quantization.storage}{ranks}"
        f"{split}: {show(loaded.weights)} allocated + {show(loaded.tables)} rotary tables"
        + (f" + {show(stored)} by the files' own headers" if stored else ""),
        "tensor shapes; PyTorch allocator rounding",
    )


def _adapters(plan: Plan, setup: _Setup, stage: int) -> Term:
    request = plan.request
    slots = request.adapters or 0
    if not slots:
        return term("adapters", 0, "no adapter slots")
    rank = adapter_rank(request.adapter_rank or 16)
    layers = stage_layers(len(request.architecture.layers), setup.pp, stage)
    each = adapter_bytes(
        request.architecture, rank, tp=setup.tp, layers=layers, experts=setup.era.expert_adapters
    )
    if setup.era.adapter_vocabulary:
        each += vocabulary_bytes(request.architecture, rank)
    asked = request.adapter_rank or 16
    rounded = f" (rank {asked} rounded up to {rank})" if asked != rank else ""
    return term(
        "adapters",
        slots * each,
        f"{slots} slots x {show(each)}: rank {rank} x (in + out) x 2 B over every wrapped linear"
        f"{rounded}",
        "vllm/lora: all slots are allocated at load",
    )


def _activations(plan: Plan, setup: _Setup, stage: int) -> Term:
    a = plan.request.architecture
    last = stage == setup.pp - 1
    sampler = int(setup.sequences * a.vocab * setup.era.sampler_bytes) if last and a.causal else 0
    hidden = setup.batch * a.hidden * 2
    widest = ceil_div(max(a.intermediate, _shared_width(a)), setup.tp)
    forward = setup.batch * (3 * widest + 3 * a.hidden) * 2
    if setup.pp > 1:
        forward += 2 * hidden
    top = plan.request.experts_per_token or a.experts_per_token
    width = a.expert_width
    if not plan.request.expert_parallel:
        width = ceil_div(width, setup.tp)
    experts = setup.batch * top * (max(2 * width, a.hidden) + width) * 2 if a.experts else 0
    if a.vision_parameters:  # the largest images' features beside the encoder's own output
        experts += 2 * hidden
    if setup.era.moe_workspace:
        peak = max(sampler + hidden, forward) + experts
        how = "the larger of sampler and MLP, and the expert workspace"
    else:
        peak = max(sampler + hidden, forward + experts)
        how = "the larger of sampler and MLP"
    if not setup.era.hybrid_manager:
        images = encoder_peak(a, setup.sequences, setup.batch, setup.tp)
        peak, how = max((peak, how), (images, f"images encoded at once {show(images)}, above"))
    return term(
        "activations",
        peak,
        f"{how}: sampler {setup.sequences} x {a.vocab} x {setup.era.sampler_bytes:g} B = "
        f"{show(sampler)}, hidden {show(hidden)}, MLP at {setup.batch} tokens {show(forward)}, "
        f"experts and images {show(experts)}",
        setup.era.source,
    )


def _shared_width(architecture: Architecture) -> int:
    """The widest linear that every token passes in a MoE layer."""
    return max(
        (t.shape[0] for t in architecture.tensors if t.role is Role.SHARED_EXPERT), default=0
    )


def _graphs(plan: Plan, setup: _Setup) -> Term:
    if plan.request.eager or not plan.request.architecture.causal:
        return term("graphs", 0, "eager: no CUDA graphs are captured")
    scale = 1.0 if setup.visible >= _LARGE else 0.8
    where = "inside" if setup.era.graphs_in_budget else "after the pool, outside"
    return term(
        "graphs",
        int(setup.era.graphs * scale),
        f"captured {where} the budget; logs show 0.3 to 1.9 GiB",
        setup.era.source,
    )


def _paged(plan: Plan, setup: _Setup, stage: int, pool: int) -> PagedPool | None:
    request = plan.request
    a = request.architecture
    span = stage_layers(len(a.layers), setup.pp, stage)
    layers = tuple(a.layers[i] for i in span)
    if not setup.era.hybrid_manager:
        from dataclasses import replace

        from planner.sizing.architecture import LayerKind

        layers = tuple(
            replace(x, kind=LayerKind.FULL, window=0) if x.kind is LayerKind.SLIDING else x
            for x in layers
        )
    if not any(token_bytes(layer, plan.kv) for layer in layers):
        return None
    return paged_pool(
        a, layers, plan.kv, pool=int(pool * pool_share(plan)), ranks=setup.tp,
        context=setup.context, batch=setup.batch,
    )  # fmt: skip


def _host(setup: _Setup) -> tuple[Term, ...]:
    """A process each for the API server and every rank; V0 also pinned RAM to swap requests to."""
    ranks = setup.tp * setup.pp
    server = term(
        "runtime", _SERVER + ranks * _WORKER,
        f"API server {show(_SERVER)} and {ranks} workers of {show(_WORKER)}; rough figures",
    )  # fmt: skip
    if not setup.era.profiles_whole_prompt:
        return (server,)
    swapped = term(
        "swap", ranks * _SWAP, f"{show(_SWAP)} a worker, pinned for requests that wait",
        "vLLM V0: --swap-space 4",
    )  # fmt: skip
    return (server, swapped)


def _defaults(plan: Plan, setup: _Setup) -> list[Diagnostic]:
    request = plan.request
    chosen = []
    if request.engine_version is None:
        chosen.append(f"vLLM {LATEST}")
    if request.context is None:
        chosen.append(f"context {setup.context}")
    if request.parallel is None:
        chosen.append(f"{setup.sequences} sequences")
    if request.batch is None:
        chosen.append(f"{setup.batch} batched tokens")
    if request.gpu_memory_utilization is None:
        chosen.append(f"utilization {setup.utilization:g}")
    return [note("assumed " + ", ".join(chosen))] if chosen else []


def _no_pool(setup: _Setup, pool: int) -> Diagnostic:
    return error(
        f"no memory is left for the KV cache: {show(-pool)} are missing on each device",
        detail="weights, activations and runtime need more than the allowed share of the device",
        advice="spread the model over more devices, use a smaller quantization or fewer sequences",
    )


def _too_long(setup: _Setup, longest: int) -> Diagnostic:
    return error(
        f"one sequence of {setup.context:,} tokens does not fit: the pool holds {longest:,}",
        advice=f"write --context {max(16, longest // 1024 * 1024)} or less",
    )


def _graphs_do_not_fit(graphs: int, outside: int) -> Diagnostic:
    return error(
        f"CUDA graphs need about {show(graphs)} outside the budget, which leaves {show(outside)}",
        detail="they are captured after the KV pool is taken",
        advice="lower --gpu-memory-utilization, or use --eager",
    )
