"""How long a corpus takes: arithmetic of forward, recomputation and backward against the device.

    tokens x (6 x active parameters + 8 x adapter + 4 x attention) / (FLOPS x MFU x devices)

A frozen base needs three passes of 2 operations a parameter: forward, forward again (gradient
checkpointing), and the gradient of activations; full training would add the gradient of weights.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from planner.sizing.architecture import Architecture, LayerKind, Role
from planner.sizing.training.memory import trained_parameters
from planner.sizing.training.values import Hours, Method, TrainRequest


class Utilization(NamedTuple):
    """Share of the maker's dense 16-bit FLOPS that a run reaches."""

    low: float
    expected: float
    high: float
    source: str


# LoRA: Llama-3-8B on A100 reaches 0.61 with 16k tokens a step; one sequence a step reaches less.
# QLoRA takes 1.56 to 2.05 times as long (7B and 13B on A100). Experts: as prompts are read, where
# grouped kernels reach about a third of a dense model's share.
_DENSE: Final = {
    Method.LORA: Utilization(0.30, 0.45, 0.65, "VectorLM reference throughput (A100, 0.61)"),
    Method.QLORA: Utilization(
        0.15, 0.26, 0.42, "VectorLM reference throughput / 1.56 to 2.05 (LitGPT resource tables)"
    ),
}
_EXPERTS_SHARE: Final = 0.35
# two and four A100 reach 0.88 of as many times one (VectorLM)
_SCALING: Final = 0.88


def operations_per_token(request: TrainRequest) -> int:
    """Operations that training spends on one token."""
    a = request.architecture
    adapter = trained_parameters(a, request.rank, request.targets)
    return 6 * computed_parameters(a) + 8 * adapter + 4 * attention_operations(a, request.sequence)


def computed_parameters(architecture: Architecture) -> int:
    """Parameters a token is multiplied with: no embedding row, k of N experts, a tied output."""
    a = architecture
    total = sum(
        t.elements // t.copies * a.experts_per_token if t.copies > 1 else t.elements
        for t in a.tensors
        if t.role not in (Role.VISION, Role.EMBEDDING)
    )
    return total + (a.vocab * a.hidden if a.tied else 0)


def attention_operations(architecture: Architecture, sequence: int) -> int:
    """Scores and sums of one token's forward pass, half of the sequence seen on average."""
    a, total = architecture, 0
    for layer in a.layers:
        seen = min(sequence, 2 * layer.window) if layer.kind is LayerKind.SLIDING else sequence
        if layer.kind in (LayerKind.FULL, LayerKind.SLIDING, LayerKind.LATENT):
            total += 2 * a.heads * a.head_dim * seen
    return total


def hours_of(request: TrainRequest) -> Hours | None:
    """The band of hours; None without pages or where the device's FLOPS are unknown."""
    flops = request.devices[0].flops if request.devices else None
    if request.pages is None or not flops:
        return None
    tokens, each = corpus_tokens(request), operations_per_token(request)
    share = _DENSE[request.method]
    factor = _EXPERTS_SHARE if request.architecture.experts else 1.0
    count, active = len(request.devices), computed_parameters(request.architecture)
    devices = 1.0 if count == 1 else count * _SCALING
    seconds = tokens * each / (flops * devices)
    low, usual, high = (
        seconds / 3600 / (m * factor) for m in (share.high, share.expected, share.low)
    )
    mixed = f" x {factor} for experts (assumed)" if factor != 1 else ""
    several = f" x {count} devices x {_SCALING}" if count > 1 else ""
    why = (
        f"{tokens:,} tokens x {each / 1e9:.1f} GFLOP (6 x {active:,} active parameters + 8 x "
        f"adapter + 4 x attention) / ({flops / 1e12:.0f} TFLOPS x MFU "
        f"{share.low} to {share.high}{mixed}{several})"
    )
    return Hours(low, usual, high, why, share.source)


def corpus_tokens(request: TrainRequest) -> int:
    """Tokens that are trained on, every epoch counted."""
    return (request.pages or 0) * request.tokens_per_page * request.epochs
