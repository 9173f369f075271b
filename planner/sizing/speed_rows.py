"""Efficiencies fitted on public benchmark runs, per class of memory and engine, as data.

    seconds per token = bytes moved / (bandwidth x efficiency) + layers x overhead

``low`` and ``high`` are factors on the expected figure that hold nine of ten measured runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SpeedClass:
    """One class of devices. Overheads are seconds per layer and decoded token."""

    name: str
    decode: float
    decode_moe: float
    layer_overhead: float
    moe_overhead: float
    prefill: float
    prefill_moe: float
    low: float
    high: float
    source: str


GDDR: Final = SpeedClass(
    "GDDR card", 0.88, 0.75, 90e-6, 90e-6, 0.45, 0.25, 0.75, 1.25,
    "GPU-Benchmarks-on-LLM-Inference (llama-bench, May 2024), llmfit bench",
)  # fmt: skip
HBM: Final = SpeedClass(
    "HBM card", 0.60, 0.55, 90e-6, 100e-6, 0.25, 0.15, 0.75, 1.3,
    "GPU-Benchmarks-on-LLM-Inference (A100, H100)",
)  # fmt: skip
APPLE: Final = SpeedClass(
    "Apple unified memory", 0.80, 0.70, 120e-6, 100e-6, 0.45, 0.30, 0.75, 1.3,
    "llama.cpp benches/mac-m2-ultra, llmfit bench",
)  # fmt: skip
UNIFIED: Final = SpeedClass(
    "unified memory", 0.83, 0.75, 60e-6, 80e-6, 0.30, 0.15, 0.7, 1.25,
    "llama.cpp benches/dgx-spark, kyuz0 strix-halo toolboxes",
)  # fmt: skip
CPU: Final = SpeedClass(
    "CPU", 0.60, 0.50, 100e-6, 150e-6, 0.40, 0.30, 0.6, 1.5,
    "ahelpme.com EPYC 9554, ik_llama.cpp discussions",
)  # fmt: skip
