"""A draft model: the small one that guesses tokens which the large one then checks all at once.

It lies beside the large one, and keeps a cache of its own for the same tokens.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from planner.diagnostics import Diagnostic, error, note
from planner.sizing.engines_memory.common import Plan
from planner.sizing.kv import bytes_per_token, parse_kv_types
from planner.sizing.quantization import parse_quantization
from planner.sizing.values import SizeRequest, Speed

TOKENS: Final = 4
# shares of guesses that the large model takes: unlike and like texts (published runs of such pairs)
_TAKEN: Final = (0.5, 0.8)


def draft_plan(plan: Plan) -> Plan | None:
    """The draft model as a plan of its own on the same devices; None without one."""
    draft = plan.request.draft
    if draft is None:
        return None
    gguf = draft.gguf is not None or bool(plan.quantization.preset or plan.quantization.bits)
    quant = draft.quant or ("bf16" if not gguf else plan.quantization.name)
    request = replace(
        plan.request, model=draft.model, architecture=draft.architecture, gguf=draft.gguf,
        quant=quant, draft=None, adapters=None, checkpoint_bytes=None, images=False,
        cpu_moe=None, override_tensor=(), gpu_layers=None, experts_per_token=None,
        prompt_cache_bytes=0,
    )  # fmt: skip
    return Plan(request, parse_quantization(quant, gguf=gguf), parse_kv_types("auto"))


def pool_share(plan: Plan) -> float:
    """The part of a common KV pool that the large model's tokens get beside the draft's."""
    draft = draft_plan(plan)
    if draft is None:
        return 1.0
    own = bytes_per_token(plan.request.architecture, plan.kv)
    both = own + bytes_per_token(draft.request.architecture, draft.kv)
    return own / both if own else 1.0


def check_draft(request: SizeRequest) -> tuple[Diagnostic, ...]:
    """Whether it can guess for that model: both must mean the same tokens."""
    draft = request.draft
    if draft is None:
        return ()
    large, small = request.architecture, draft.architecture
    # tables are padded differently, by up to a few hundred rows
    if abs(large.vocab - small.vocab) > 1024:
        return (
            error(
                f"{draft.model} cannot draft for {request.model}",
                detail=f"it knows {small.vocab:,} tokens, the model {large.vocab:,}: "
                "what one writes the other cannot read",
                advice="take a small model of the same family",
            ),
        )
    if small.parameters >= large.parameters:
        return (error(f"{draft.model} is no smaller than {request.model}: it saves no time"),)
    return ()


def speed_up(alone: Speed | None, drafting: Speed | None, tokens: int) -> tuple[Diagnostic, ...]:
    """What guessing ``tokens`` at once gains: a step gives ``(1 - t^(n+1)) / (1 - t)`` tokens for a
    share ``t`` of guesses taken, and costs ``n`` steps of the draft beside its own."""
    if alone is None or drafting is None:
        return ()
    cost = 1 + tokens * alone.expected / drafting.expected
    low, high = ((1 - t ** (tokens + 1)) / (1 - t) / cost for t in _TAKEN)
    return (
        note(
            f"with {tokens} tokens drafted at once, decoding is {low:.1f} to {high:.1f} times as "
            "fast for one reader",
            detail=f"where {_TAKEN[0]:.0%} to {_TAKEN[1]:.0%} of the guesses are taken (assumed); "
            "with many readers it gains little",
        ),
    )
