"""Text Generation Inference and LoRAX: the KV pool is a share of what is free after a first run.

    pool = total x share - weights - adapters - peak of the largest prefill - runtime

Both load everything, run the largest prefill once and fill what is left with KV blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planner.diagnostics import Diagnostic, error, note
from planner.sizing.adapters import adapter_bytes
from planner.sizing.engines_memory.common import (
    EngineMemory,
    Plan,
    correction,
    engine_bytes,
    forward_bytes,
    show,
    term,
)
from planner.sizing.kv import token_bytes
from planner.sizing.values import Term
from planner.sizing.weights import Loading, loaded_weights
from planner.units import GIB, MIB

_PREFILL: Final = 4096
_RUNTIME: Final = 500 * MIB
_RUNTIME_SEVERAL: Final = int(1.1 * GIB)
_HOST: Final = 4 * GIB


@dataclass(frozen=True, slots=True)
class _Rules:
    """How an engine divides a device.

    ``room`` is the share left to the pool after the run; what it leaves is for CUDA graphs.
    ``reserved`` is the share of the whole device kept for adapters, None where each one loaded at
    start takes what it takes.
    """

    room: float
    reserved: float | None
    source: str


TGI: Final = _Rules(
    0.90,
    None,
    "text-generation-inference server, flash_causal_lm.py: warmup; TGI_WIGGLE_ROOM 0.90",
)
LORAX: Final = _Rules(
    0.90,
    0.1,
    "lorax server, flash_causal_lm.py: warmup; ADAPTER_MEMORY_FRACTION 0.1, wiggle room 0.9",
)


@dataclass(frozen=True, slots=True)
class _Rank:
    """Bytes of one device before the pool."""

    weights: int
    adapters: int
    peak: int
    runtime: int
    visible: int
    total: int

    @property
    def taken(self) -> int:
        """What lies there when the free memory is read."""
        return self.weights + self.peak + self.runtime


def tgi(plan: Plan) -> EngineMemory:
    """Text Generation Inference: adapters are loaded whole at start."""
    return _memory(plan, TGI)


def lorax(plan: Plan) -> EngineMemory:
    """LoRAX: a fixed share is kept for adapters, which come and go."""
    return _memory(plan, LORAX)


def _memory(plan: Plan, rules: _Rules) -> EngineMemory:
    request, a = plan.request, plan.request.architecture
    ranks = request.tp or max(1, len(request.devices))
    rank = _rank(plan, rules, ranks)
    fraction = request.gpu_memory_utilization or 1.0
    if rules.reserved is None:
        # get_free_memory(device, fraction x room): the room is a share of the whole device
        pool = int(rank.visible * fraction * rules.room) - rank.taken - rank.adapters
    else:
        pool = int((int(rank.visible * fraction) - rank.taken - rank.adapters) * rules.room)
    each = sum(token_bytes(layer, plan.kv, ranks) for layer in a.layers)
    tokens = int(max(0, pool) // each) if each else 0
    context = request.context or a.max_position or 2048
    found: list[Diagnostic] = []
    if request.batch is None:
        found.append(note(f"assumed {_PREFILL} prefill tokens at once"))
    if any(layer.window for layer in a.layers):
        found.append(note("every layer is counted in full: this engine cuts no cache to a window"))
    slots = _too_many(plan, rank.adapters, ranks, rules)
    found += slots
    if tokens < context:
        found.append(
            error(
                f"one sequence of {context:,} tokens does not fit: the pool holds {tokens:,}",
                advice=f"write --context {max(16, tokens // 1024 * 1024)} or less"
                if tokens
                else "use a smaller quantization, or more devices with --tp",
            )
        )
    terms = _terms(plan, rules, rank, max(0, pool), ranks)
    host = (term("runtime", _HOST, "router, Python and PyTorch of each shard; a rough figure"),)
    fits = tokens >= context and not slots
    return EngineMemory((terms,) * ranks, host, fits, tokens, tokens, tuple(found), fraction)


def _rank(plan: Plan, rules: _Rules, ranks: int) -> _Rank:
    request, a = plan.request, plan.request.architecture
    device = request.devices[0]
    visible = engine_bytes(device) or 0
    loaded = loaded_weights(a, plan.quantization, ranks, loading=Loading(latent_copies=False))
    adapters = _adapters(plan, ranks)
    if rules.reserved is not None:
        adapters = int(visible * rules.reserved)
    return _Rank(
        loaded.total + correction(plan) // ranks,
        adapters,
        forward_bytes(a, request.batch or _PREFILL, ranks, request.experts_per_token),
        _RUNTIME if ranks == 1 else _RUNTIME_SEVERAL,
        visible,
        device.memory_bytes or visible,
    )


def _adapters(plan: Plan, ranks: int) -> int:
    request = plan.request
    rank = request.adapter_rank or 16
    each = adapter_bytes(request.architecture, rank, tp=ranks, experts=False)
    return (request.adapters or 0) * each


def _too_many(plan: Plan, reserved: int, ranks: int, rules: _Rules) -> list[Diagnostic]:
    wanted = _adapters(plan, ranks)
    if rules.reserved is None or wanted <= reserved:
        return []
    count = plan.request.adapters or 1
    most = reserved // (wanted // count)
    return [
        error(
            f"{count} adapters need {show(wanted)} of the {show(reserved)} kept for them",
            detail="LoRAX keeps ADAPTER_MEMORY_FRACTION of each device for adapters, by default "
            "a tenth",
            advice=f"write --adapters {most}: more of them are swapped in when they are asked for",
        )
    ]


def _terms(plan: Plan, rules: _Rules, rank: _Rank, pool: int, ranks: int) -> tuple[Term, ...]:
    request, a = plan.request, plan.request.architecture
    split = f", one of {ranks} shards" if ranks > 1 else ""
    hidden = rank.total - rank.visible
    spare = max(0, rank.visible - rank.taken - rank.adapters - pool)
    adapters = "no adapters"
    if rules.reserved is not None:
        adapters = f"{rules.reserved:g} of {show(rank.visible)}, kept whether used or not"
    elif request.adapters:
        adapters = f"{request.adapters} adapters of rank {request.adapter_rank or 16}, loaded whole"
    return (
        term(
            "weights", rank.weights,
            f"{a.parameters:,} parameters as {plan.quantization.storage}{split}", "tensor shapes",
        ),
        term(
            "kv_cache", pool,
            f"{show(rank.visible)} x {rules.room:g}, less what the first run left taken",
            rules.source,
        ),
        term(
            "activations", rank.peak,
            f"peak of one prefill of {request.batch or _PREFILL} tokens", rules.source,
        ),
        term(
            "graphs", spare,
            "what the room leaves free: CUDA graphs are captured there", rules.source,
        ),
        term("adapters", rank.adapters, adapters, rules.source),
        term("runtime", rank.runtime + hidden, "CUDA context, libraries, what the driver keeps"),
    )  # fmt: skip
