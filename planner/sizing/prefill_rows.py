"""Efficiencies of prompt processing, fitted on public benchmark runs, per class of device.

    prefill seconds per token = linear operations / (FLOPS x wide or quantized [x mixture])
                              + attention operations / (FLOPS x attention)
                              + bytes read per batch / bandwidth / tokens of a batch

FLOPS are dense 16-bit operations, with 16-bit accumulation where a card is faster at that: what
llama.cpp's kernels use. ``low`` and ``high`` hold nine of ten runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planner.sizing.speed_rows import APPLE, CPU, GB10, STRIX, UNIFIED, class_of
from planner.sizing.values import Accelerator


@dataclass(frozen=True, slots=True)
class Share:
    """Parts of the maker's figure that are reached: 16-bit weights, quantized ones, attention.

    ``mixture`` is a factor for routed experts, whose matrices meet few tokens each.
    """

    wide: float
    quantized: float
    attention: float
    mixture: float


@dataclass(frozen=True, slots=True)
class PromptClass:
    """A class of devices, its shares, and where they were measured."""

    share: Share
    source: str
    low: float = 0.55
    high: float = 1.8


_TABLE: Final = "GPU-Benchmarks-on-LLM-Inference (llama-bench, May 2024)"
_CARD: Final = PromptClass(
    Share(0.62, 0.38, 0.50, 0.24), f"{_TABLE}, ik_llama.cpp sweeps, llmfit bench"
)
_AMPERE: Final = PromptClass(
    Share(0.40, 0.33, 0.35, 0.30), f"{_TABLE} of A100; attention and experts by likeness"
)
_HOPPER: Final = PromptClass(
    Share(0.30, 0.18, 0.25, 0.30), f"{_TABLE} of H100; attention and experts by likeness"
)
_APPLE: Final = PromptClass(
    Share(0.70, 0.88, 0.45, 0.90), f"llama.cpp benches/mac-m2-ultra, {_TABLE}"
)
_GB10: Final = PromptClass(Share(0.40, 0.36, 0.40, 1.00), "llama.cpp benches/dgx-spark")
_STRIX: Final = PromptClass(
    Share(0.22, 0.30, 0.14, 0.50), "kyuz0 amd-strix-halo-toolboxes (ROCm and Vulkan)"
)
_UNIFIED: Final = PromptClass(
    Share(0.28, 0.32, 0.25, 0.70), "between GB10 and Strix Halo: no run of this device was fitted"
)
_CPU: Final = PromptClass(
    Share(1, 1, 1, 1), "ik_llama.cpp discussions (EPYC 9355, Xeon 6980P)", 0.35, 2.2
)

# operations per second and thread of a server's CPU, and the part of its bandwidth
CPU_FLOPS: Final = 36e9
CPU_READ: Final = 0.6

_OF: Final = {APPLE: _APPLE, GB10: _GB10, STRIX: _STRIX, UNIFIED: _UNIFIED, CPU: _CPU}
_AMPERE_PARTS: Final = ("ga100", "volta", "v100")


def prompt_class(device: Accelerator | None) -> PromptClass:
    """The row of a device; of a CPU where there is none."""
    if device is None:
        return _CPU
    known = class_of(device)
    if known in _OF:
        return _OF[known]
    if known.name == "GDDR card":
        return _CARD
    return _AMPERE if any(part in device.architecture for part in _AMPERE_PARTS) else _HOPPER
