"""LoRA adapters: slot bytes as vLLM reserves them, and file sizes of one adapter."""

from __future__ import annotations

from typing import Final

from planner.sizing.architecture import QUANTIZABLE, Architecture, Role, Split, Tensor
from planner.sizing.weights import rank_shape

# ranks that vLLM allocates (vllm/config/lora.py); any other is rounded up
RANKS: Final = (1, 8, 16, 32, 64, 128, 256, 320, 512)


def adapter_rank(rank: int) -> int:
    """The rank that is allocated for ``rank``. Raises ValueError above the largest."""
    found = next((allowed for allowed in RANKS if allowed >= rank), None)
    if found is None:
        raise ValueError(f"rank {rank} is above the largest an engine allows, {RANKS[-1]}")
    return found


def _wrapped(tensor: Tensor, *, experts: bool) -> bool:
    if tensor.role not in QUANTIZABLE or len(tensor.shape) != 2:
        return False
    return experts or tensor.role is not Role.EXPERT


def _elements(tensor: Tensor, rank: int, tp: int) -> int:
    """A and B of one linear on one rank: column layers keep A whole, row layers keep B whole."""
    out, into = tensor.shape[0], tensor.shape[1]
    shape = rank_shape(tensor, tp)
    if tensor.split is Split.ROW:
        return rank * (shape[1] + out) * tensor.copies
    return rank * (into + shape[0]) * tensor.copies


def adapter_bytes(
    architecture: Architecture,
    rank: int,
    *,
    tp: int = 1,
    layers: range | None = None,
    experts: bool = True,
    width: int = 2,
) -> int:
    """Bytes of one slot on one rank: every linear that the engine wraps, routed experts included.

    ``layers`` limits it to a pipeline stage, ``width`` is bytes per element.
    """
    total = 0
    for tensor in architecture.tensors:
        if _wrapped(tensor, experts=experts):
            count = len(tensor.layers)
            if layers is not None:
                count = sum(1 for index in tensor.layers if index in layers)
            total += _elements(tensor, rank, tp) * count
    return total * width


def vocabulary_bytes(architecture: Architecture, rank: int, *, extra: int = 256) -> int:
    """Room for an adapter's own vocabulary, reserved up to 0.16 for Llama-like models."""
    if architecture.family not in ("llama", "mistral", "mixtral"):
        return 0
    a = architecture
    return 2 * (rank * (a.vocab + extra) + rank * a.hidden + extra * a.hidden) * 2
