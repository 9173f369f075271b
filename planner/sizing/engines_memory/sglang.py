"""SGLang: a static pool of the memory that was free before loading; the rest is for running."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from planner.diagnostics import error, note
from planner.sizing.adapters import adapter_bytes
from planner.sizing.architecture import Architecture, Layer, LayerKind
from planner.sizing.engines_memory.common import (
    EngineMemory,
    Plan,
    correction,
    engine_bytes,
    show,
    term,
)
from planner.sizing.engines_memory.draft import draft_plan, pool_share
from planner.sizing.kv import bytes_per_token, sequence_bytes, token_bytes
from planner.sizing.quantization import GGUF_STORAGES
from planner.sizing.values import Term
from planner.sizing.weights import loaded_weights, stage_layers
from planner.units import GIB

_FRACTION: Final = 0.88
# context, NCCL and libraries that are gone before "memory free before load" is read
_BEFORE: Final = int(0.6 * GIB)
_BEFORE_TP: Final = int(1.6 * GIB)
_GRAPHS: Final = int(2.0 * GIB)
# memory of recurrent states beside that of the KV pool (server_args: mamba_full_memory_ratio)
_STATE_RATIO: Final = 0.9
# models whose sliding layers have a pool of their own, and its tokens beside the full ones
# (server_args: swa_full_tokens_ratio; model_config: is_hybrid_swa_model)
_WINDOW_POOLS: Final = frozenset({"gpt_oss", "llama4"})
_WINDOW_RATIO: Final = Fraction(8, 10)
_SOURCE: Final = "SGLang model_runner: mem_fraction_static"


def memory(plan: Plan) -> EngineMemory:
    """pool = free before load x fraction - weights; graphs and activations live in the rest."""
    request = plan.request
    a = request.architecture
    device = request.devices[0]
    visible = engine_bytes(device) or 0
    total = device.memory_bytes or visible
    pp = request.pp or 1
    tp = request.tp or max(1, len(request.devices) // pp)
    fraction = request.gpu_memory_utilization or _FRACTION
    before = _BEFORE_TP if tp > 1 else _BEFORE
    free = max(0, visible - before)
    devices: list[tuple[Term, ...]] = []
    tokens: list[int] = []
    for rank in range(tp * pp):
        stage = rank // tp
        weights = _weights(plan, tp, pp, stage)
        slots = _adapters(plan, tp)
        draft = _draft(plan, tp) if stage == pp - 1 else 0
        pool = int(free * fraction) - weights - slots - draft
        span = stage_layers(len(a.layers), pp, stage)
        layers = tuple(a.layers[i] for i in span)
        tokens.append(_tokens(a, layers, plan, int(max(0, pool) * pool_share(plan)), tp))
        rest = free - int(free * fraction)
        graphs = 0 if request.eager else min(_GRAPHS, rest)
        devices.append(
            (
                term(
                    "weights",
                    weights,
                    f"{plan.quantization.storage}, rank of {tp * pp}",
                    "the checkpoint's tensors, split as SGLang's parallel linears split them",
                ),
                term(
                    "kv_cache",
                    pool if a.causal else 0,
                    f"{show(free)} free before load x {fraction:g} - weights {show(weights)}"
                    + _divided(a),
                    _SOURCE,
                ),
                term("activations", rest - graphs, "what the fraction leaves for running", _SOURCE),
                term("graphs", graphs, "captured in the rest", "SGLang logs: 2.5 to 4 GiB printed"),
                term("adapters", slots, _slots(plan), "SGLang's LoRA pool, as vLLM counts slots"),
                term("runtime", total - free, "context, NCCL and what the driver keeps back"),
                *((term("draft", draft, "the draft model's weights"),) if draft else ()),
            )
        )
    capacity = min(tokens, default=0)
    context = request.context or a.max_position or 2048
    need = sequence_bytes(a, plan.kv, context) // tp
    fits = capacity >= context or (bytes_per_token(a, plan.kv) == 0 and need >= 0)
    found = [note("SGLang does not profile a run: an out-of-memory may come later, under load")]
    if not fits:
        found.append(
            error(f"one sequence of {context:,} tokens does not fit: the pool holds {capacity:,}")
        )
    host = (term("runtime", 4 * GIB, "Python, PyTorch and the API server; a rough figure"),)
    return EngineMemory(tuple(devices), host, fits, capacity, capacity, tuple(found), fraction)


def _tokens(a: Architecture, layers: tuple[Layer, ...], plan: Plan, pool: int, tp: int) -> int:
    """Tokens of the longest pool that ``pool`` bytes hold.

    Models with recurrent layers give their states a share first; those with a pool of their own for
    sliding layers keep fewer tokens there.
    """
    if any(layer.kind is LayerKind.LINEAR for layer in layers):
        pool = int(pool / (1 + _STATE_RATIO))
    ratio = _WINDOW_RATIO if a.family in _WINDOW_POOLS else Fraction(1)
    each = sum(
        token_bytes(layer, plan.kv, tp) * (ratio if layer.kind is LayerKind.SLIDING else 1)
        for layer in layers
    )
    return int(pool // each) if each else 0


def _divided(a: Architecture) -> str:
    if a.layers_of(LayerKind.LINEAR):
        share = _STATE_RATIO / (1 + _STATE_RATIO)
        return f"; {share:.0%} of it for recurrent states (--mamba-full-memory-ratio)"
    if a.family in _WINDOW_POOLS:
        return f"; sliding layers keep {float(_WINDOW_RATIO):g} of the tokens (SWAKVPool)"
    return ""


def _slots(plan: Plan) -> str:
    count = plan.request.adapters or 0
    rank = plan.request.adapter_rank or 16
    return f"{count} slots of rank {rank}" if count else "no adapter slots"


def _adapters(plan: Plan, tp: int) -> int:
    request = plan.request
    if not request.adapters:
        return 0
    rank = request.adapter_rank or 16
    return request.adapters * adapter_bytes(request.architecture, rank, tp=tp, experts=False)


def _draft(plan: Plan, tp: int) -> int:
    draft = draft_plan(plan)
    if draft is None:
        return 0
    return loaded_weights(draft.request.architecture, draft.quantization, tp).total


def _weights(plan: Plan, tp: int, pp: int, stage: int) -> int:
    if plan.quantization.storage in GGUF_STORAGES:
        from planner.sizing.engines_memory.llama_weights import gguf_of

        return gguf_of(plan).file_bytes // (tp * pp)
    loaded = loaded_weights(
        plan.request.architecture, plan.quantization, tp, pp, stage,
        whole_experts=plan.request.expert_parallel,
    )  # fmt: skip
    return loaded.total + correction(plan) // (tp * pp)
