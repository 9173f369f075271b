"""A model's own head that guesses (MTP, next-token prediction), as llama.cpp runs it.

``--spec-type draft-mtp`` gives the head a context of its own, and keeps as many older recurrent
states as tokens are guessed: a refused guess is taken back by returning to one of them.
"""

from __future__ import annotations

from typing import Final

from planner.diagnostics import Diagnostic, note
from planner.sizing.architecture import Architecture, LayerKind, Role
from planner.sizing.engines_memory.common import Plan, show, term
from planner.sizing.engines_memory.llama_kv import CacheShape, layer_bytes
from planner.sizing.gguf import GgufWeights
from planner.sizing.gguf_types import type_bytes
from planner.sizing.values import Term

# llama.cpp src/llama-arch.cpp, llm_arch_supports_rs_rollback; by config.json and by GGUF header
_FAMILIES: Final = frozenset({"qwen3_5", "qwen3_5_moe", "qwen35", "qwen35moe"})
_JOIN_TYPE: Final = "Q8_0"  # published MTP files keep the joining matrix wide


def guesses(plan: Plan) -> int:
    """Tokens that the model's own head guesses at once; 0 where none is asked for or known."""
    request = plan.request
    if request.draft is not None or request.architecture.family not in _FAMILIES:
        return 0
    return request.draft_tokens or 0


def head_parameters(architecture: Architecture) -> int:
    """Parameters of the head: an attention layer, the matrix that joins state and token, three
    norms."""
    index = _like(architecture)
    layer = sum(
        tensor.elements_each
        for tensor in architecture.tensors
        if index in tensor.layers and tensor.role is not Role.VISION
    )
    return layer + _join_elements(architecture) + 3 * architecture.hidden


def head_term(plan: Plan, weights: GgufWeights, shape: CacheShape, compute: int) -> Term:
    """The head beside the output: weights, its layer's cache, a compute buffer of its own.

    ``compute`` is the model's own buffer there, which the head's does not exceed.
    """
    a = plan.request.architecture
    index = _like(a)
    layer = weights.layers[index]
    size = layer.rest + layer.experts + type_bytes(_JOIN_TYPE, _join_elements(a))
    if weights.head:  # the file's own is among the weights already
        size = 0
    cache = layer_bytes(a.layers[index], a, plan.kv, shape)
    return term(
        "draft",
        size + cache + compute,
        f"the model's own head: weights {show(size) if size else 'in the file'}, cache "
        f"{show(cache)}, buffer {show(compute)} at most",
        "llama.cpp tools/server: the MTP head has a context of its own",
    )


def unused_guesses(plan: Plan) -> tuple[Diagnostic, ...]:
    """That ``draft_tokens`` does nothing, where no draft model is named and no head known."""
    request = plan.request
    if not request.draft_tokens or request.draft is not None or guesses(plan):
        return ()
    return (
        note(
            f"--draft-tokens {request.draft_tokens} counts nothing: {request.model} has no head "
            "that llama.cpp is known to guess with",
            advice="name a smaller model of the same family with --draft",
        ),
    )


def _join_elements(architecture: Architecture) -> int:
    return 2 * architecture.hidden**2


def _like(architecture: Architecture) -> int:
    """The last attention layer: the head is one more of its kind."""
    layers = architecture.layers
    return max(i for i, layer in enumerate(layers) if layer.kind is LayerKind.FULL)
