"""Efficiencies of decoding, fitted on public benchmark runs, per class of memory, as data.

    decode seconds per token = weights / (bandwidth x weights_share)
                             + cache / (bandwidth x cache_share) + layers x overhead

Fitted by least absolute log error over the runs of each class. ``low`` and ``high`` are factors on
the expected figure that hold nine of ten of those runs: builds of 2024 to 2026 differ that much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planner.sizing.values import Accelerator


@dataclass(frozen=True, slots=True)
class Efficiency:
    """One class of devices, for dense models or for mixtures of experts.

    Shares are of the maker's figures; ``overhead`` is seconds per layer and decoded token.
    """

    weights_share: float
    cache_share: float
    overhead: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SpeedClass:
    """A class of devices and where its efficiencies were measured."""

    name: str
    dense: Efficiency
    mixture: Efficiency
    source: str

    def of(self, *, experts: bool) -> Efficiency:
        """The row for a model with or without routed experts."""
        return self.mixture if experts else self.dense


GDDR: Final = SpeedClass(
    "GDDR card",
    Efficiency(0.91, 0.35, 115e-6, 0.72, 1.30),
    Efficiency(0.85, 0.35, 45e-6, 0.45, 1.35),
    "GPU-Benchmarks-on-LLM-Inference (llama-bench, May 2024), llmfit bench, ik_llama.cpp sweeps",
)
HBM: Final = SpeedClass(
    "HBM card",
    Efficiency(0.70, 0.20, 125e-6, 0.75, 1.35),
    Efficiency(0.60, 0.20, 120e-6, 0.60, 1.60),
    "GPU-Benchmarks-on-LLM-Inference (A100, H100), Qwen3 speed benchmark (H20)",
)
APPLE: Final = SpeedClass(
    "Apple unified memory",
    Efficiency(0.82, 0.45, 90e-6, 0.72, 1.25),
    Efficiency(0.64, 0.40, 120e-6, 0.60, 1.25),
    "llama.cpp benches/mac-m2-ultra, GPU-Benchmarks-on-LLM-Inference",
)
GB10: Final = SpeedClass(
    "GB10 unified memory",
    Efficiency(0.78, 0.75, 35e-6, 0.75, 1.20),
    Efficiency(0.95, 0.65, 140e-6, 0.75, 1.35),
    "llama.cpp benches/dgx-spark, llmfit bench",
)
STRIX: Final = SpeedClass(
    "AMD unified memory",
    Efficiency(0.88, 0.60, 110e-6, 0.70, 1.20),
    Efficiency(0.80, 0.45, 150e-6, 0.45, 1.50),
    "kyuz0 amd-strix-halo-toolboxes (ROCm and Vulkan)",
)
UNIFIED: Final = SpeedClass(
    "unified memory",
    Efficiency(0.80, 0.50, 100e-6, 0.60, 1.25),
    Efficiency(0.75, 0.45, 130e-6, 0.50, 1.50),
    "between GB10 and Strix Halo: no run of this device was fitted",
)
CPU: Final = SpeedClass(
    "CPU",
    Efficiency(0.62, 0.50, 100e-6, 0.60, 1.40),
    Efficiency(0.50, 0.50, 100e-6, 0.55, 1.40),
    "ahelpme.com EPYC 9554, ik_llama.cpp discussions (EPYC 9355, Xeon 6980P)",
)

# operations per second and thread of attention at depth (vector code)
CPU_ATTENTION_FLOPS: Final = 32e9

_HBM_PARTS: Final = ("hopper", "ga100", "cdna", "gb100", "gb200")
_HBM_FROM: Final = 1_850_000_000_000


def class_of(device: Accelerator) -> SpeedClass:
    """The row of efficiencies that describes a device."""
    name = f"{device.name} {device.architecture}".lower()
    if "apple" in name:
        return APPLE
    if device.architecture.endswith("gb10"):
        return GB10
    if device.unified:
        return STRIX if "strix" in name else UNIFIED
    if any(word in name for word in _HBM_PARTS) or (device.bandwidth or 0) > _HBM_FROM:
        return HBM
    return GDDR
