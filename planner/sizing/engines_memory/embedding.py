"""Embedding and rerank servers: weights, one batch, a CUDA context; no pool is reserved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planner.diagnostics import Diagnostic, note
from planner.sizing.engines_memory.common import (
    EngineMemory,
    Plan,
    computed_in,
    correction,
    forward_bytes,
    on_one_device,
    term,
)
from planner.sizing.kv import bytes_per_token
from planner.sizing.weights import checkpoint_bytes
from planner.units import MIB


@dataclass(frozen=True, slots=True)
class Rules:
    """How a server batches.

    ``tokens`` is its default batch, ``keeps_kv`` says that the keys and values of the whole batch
    stay until its forward pass ends, ``context`` is what CUDA and libraries take, ``process`` what
    the process takes in RAM.
    """

    tokens: int
    keeps_kv: bool
    context: int
    process: int
    source: str


TEI: Final = Rules(
    16384,
    False,
    400 * MIB,
    600 * MIB,
    "text-embeddings-inference: MAX_BATCH_TOKENS 16384; candle frees keys and values layer by "
    "layer",
)
INFINITY: Final = Rules(
    32 * 512,
    True,
    550 * MIB,
    2048 * MIB,
    "infinity: batch of 32, warmed up with 512 tokens each; transformers keeps the keys and values "
    "of decoder models",
)


def text_embeddings_inference(plan: Plan) -> EngineMemory:
    """text-embeddings-inference, on a card or in RAM."""
    return _memory(plan, TEI)


def infinity(plan: Plan) -> EngineMemory:
    """infinity with its PyTorch engine."""
    return _memory(plan, INFINITY)


def _memory(plan: Plan, rules: Rules) -> EngineMemory:
    request, a = plan.request, plan.request.architecture
    quantization = computed_in(plan)
    width = 2 if request.devices else 4
    longest = request.context or a.max_position or 512
    batch = max(request.batch or rules.tokens, longest * (request.parallel or 1))
    cache = bytes_per_token(a, plan.kv) * batch * width // 2 if rules.keeps_kv and a.causal else 0
    terms = (
        term(
            "weights", checkpoint_bytes(a, quantization) + correction(plan),
            f"{a.parameters:,} parameters as {quantization.storage}",
            "tensor shapes" if request.devices else "tensor shapes; a CPU computes in 32 bit",
        ),
        term(
            "kv_cache", cache, f"{batch} tokens of one batch" if cache else "none is kept",
            rules.source,
        ),
        term(
            "activations", forward_bytes(a, batch, 1, None) * width // 2,
            f"one batch of {batch} tokens, an estimate", rules.source,
        ),
        term("graphs", 0, "none"),
        term("adapters", 0, "none"),
        term(
            "runtime", rules.context if request.devices else rules.process,
            "CUDA context and libraries, an estimate" if request.devices else "process, tokenizer",
        ),
    )  # fmt: skip
    found: list[Diagnostic] = []
    if request.batch is None:
        found.append(note(f"assumed batches of {batch:,} tokens"))
    if a.causal and not a.headless:
        found.append(note(f"{request.engine} makes vectors and scores, not answers"))
    host = (term("runtime", rules.process, "process and tokenizer; a rough figure"),)
    advice = "use a smaller --batch or --context, or fp16 where it is fp32"
    return on_one_device(plan, terms, host, tuple(found), advice)
