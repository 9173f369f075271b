"""What vLLM's profile run takes in the image encoder before 0.11.

Every dummy sequence brings its largest image, and all of them are encoded at once (vLLM V0,
``profile_run`` with ``limit_mm_per_prompt`` 1). Later versions bound that by an encoder budget.
"""

from __future__ import annotations

from planner.sizing.architecture import Architecture, Role, Split, Tensor
from planner.units import ceil_div


def encoder_peak(architecture: Architecture, sequences: int, batch: int, tp: int) -> int:
    """Bytes of 16-bit activations in one block of the encoder, over all images of the batch.

    A patch keeps its pixels, four hidden states and what the block's matrices give out. Logs of
    two models (Gemma 3 with 64 images, Qwen2.5-VL with one) are met within 10 %.
    """
    tower = [t for t in architecture.tensors if t.role is Role.VISION]
    entry = next((t for t in tower if "patch_" in t.name and len(t.shape) == 2), None)
    if entry is None or not architecture.vision_tokens:
        return 0
    hidden, pixels = entry.shape
    images = max(1, min(sequences, batch // architecture.vision_tokens))
    given = sum(ceil_div(t.shape[0], tp) for t in tower if t.layers and t.split is Split.COLUMN)
    gated = sum(ceil_div(t.shape[0], tp) for t in tower if t.name.endswith("gate_proj.weight"))
    return (
        images * _patches(architecture, tower, hidden) * (pixels + 4 * hidden + given + gated) * 2
    )


def _patches(architecture: Architecture, tower: list[Tensor], hidden: int) -> int:
    """Patches of the largest image: as many as have places, or as the merger joins into tokens."""
    for tensor in tower:
        if "position_embedding" in tensor.name:
            return tensor.shape[0]
    merged = next((t.shape[1] for t in tower if "merger.mlp.0" in t.name), hidden)
    return architecture.vision_tokens * max(1, merged // hidden)
