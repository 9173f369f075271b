"""What llama.cpp holds beside the model: an image encoder, a draft model, saved prompts."""

from __future__ import annotations

from typing import Final

from planner.sizing.engines_memory.common import EngineMemory, Plan, show, term
from planner.sizing.engines_memory.draft import draft_plan
from planner.sizing.engines_memory.vllm_images import encoder_peak
from planner.sizing.values import Term
from planner.units import GIB

# the server's own default for saved prompts (--cache-ram), for who starts it by hand
SERVER_PROMPT_CACHE: Final = 8 * GIB


def image_encoder(plan: Plan) -> tuple[Term, ...]:
    """The mmproj file in 16 bit and its graph for one largest image, on the first device."""
    a = plan.request.architecture
    if not plan.request.images or not a.vision_parameters:
        return ()
    graph = 2 * encoder_peak(a, 1, max(1, a.vision_tokens), 1)  # 32 bit
    weights = plan.request.gguf.vision if plan.request.gguf else 0
    size = weights or 2 * a.vision_parameters
    return (
        term(
            "images",
            size + graph,
            f"image encoder (mmproj) {show(size)}, graph of one image {show(graph)}, an estimate",
            "llama.cpp tools/mtmd: the encoder has a context of its own",
        ),
    )


def draft_terms(plan: Plan, inner: EngineMemory, slots: int) -> tuple[tuple[Term, ...], ...]:
    """The draft model's share of each device, and of RAM last: weights once, a context a slot.

    ``inner`` is its ledger for one slot.
    """
    draft = draft_plan(plan)
    if draft is None:
        return ()
    return tuple(
        (
            term(
                "draft",
                sum(_share(item, slots) for item in terms),
                f"{draft.request.model} as {draft.quantization.name}: weights, and cache and "
                f"buffers for each of {slots} slots",
                "llama.cpp server: one draft context a slot",
            ),
        )
        for terms in (*inner.devices, inner.host)
    )


def _share(item: Term, slots: int) -> int:
    if item.name in ("kv_cache", "activations"):
        return item.bytes * slots
    return item.bytes if item.name == "weights" else 0


def prompt_cache(plan: Plan) -> tuple[Term, ...]:
    """Prompts that are kept to begin from, in RAM."""
    size = plan.request.prompt_cache_bytes
    if not size:
        return ()
    why = f"as --cache-ram says; by itself it would keep {show(SERVER_PROMPT_CACHE)}"
    return (term("prompt_cache", size, why, "llama.cpp tools/server: --cache-ram"),)
