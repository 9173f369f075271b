"""Servers of embedding, rerank, speech and image models: weights, one batch, a CUDA context."""

from __future__ import annotations

from typing import Final

from planner.diagnostics import error
from planner.sizing.engines_memory.common import EngineMemory, Plan, correction, show, term
from planner.sizing.kv import sequence_bytes
from planner.sizing.weights import checkpoint_bytes
from planner.units import MIB

_CONTEXT: Final = 500 * MIB
_TOKENS: Final = 16384


def memory(plan: Plan) -> EngineMemory:
    """Whole model on the first device, or in RAM when there is none."""
    request, a = plan.request, plan.request.architecture
    batch = request.batch or _TOKENS
    weights = checkpoint_bytes(a, plan.quantization) + correction(plan)
    widest = max(a.intermediate, a.hidden)
    activations = batch * (4 * a.hidden + 2 * widest) * 2
    sequences = request.parallel or 1
    cache = (
        sequences * sequence_bytes(a, plan.kv, request.context or a.max_position) if a.causal else 0
    )
    crossed = sum(layer.conv_elements for layer in a.layers) * 2 if a.family == "whisper" else 0
    terms = (
        term("weights", weights, f"{a.parameters:,} parameters as {plan.quantization.storage}"),
        term("kv_cache", cache + crossed * sequences, f"{sequences} sequences, {plan.kv}"),
        term(
            "activations", activations, f"{batch} tokens x (4 hidden + 2 widest) x 2 B, an estimate"
        ),
        term("graphs", 0, "none"),
        term("adapters", 0, "none"),
        term("runtime", _CONTEXT, "process and CUDA context, an estimate"),
    )
    device = next(iter(request.devices), None)
    need = sum(item.bytes for item in terms)
    if device is None:
        ram = request.host_memory_bytes
        fits = ram is None or need <= ram
        return EngineMemory((), terms, fits, None, a.max_position or None)
    fits = device.memory_bytes is None or need <= device.memory_bytes
    found = () if fits else (error(f"{show(need - (device.memory_bytes or 0))} are missing"),)
    others = ((),) * (len(request.devices) - 1)
    return EngineMemory((terms, *others), (), fits, None, a.max_position or None, found)
