"""Turns catalogue rows into what sizing needs of a device, and knows what CUDA sees of it."""

from __future__ import annotations

from typing import Final

from planner.catalogue.cpu import CpuPlatform
from planner.catalogue.device import Device, DeviceKind
from planner.sizing.values import Accelerator, Processor
from planner.units import GIB

# GiB that engines print as the card's total, below what the driver reports (vLLM and SGLang logs)
_SEEN: Final[dict[str, float]] = {
    "a10": 22.09,
    "a100-40-pcie": 39.38,
    "a100-40-sxm": 39.56,
    "a100-80-pcie": 79.15,
    "a100-80-sxm": 79.15,
    "h100-pcie": 79.19,
    "h100-sxm": 79.19,
    "h200-sxm": 139.7,
    "l4": 22.16,
    "rtx-3090": 23.58,
    "rtx-4090": 23.6,
    "rx-7900-xtx": 23.98,
}


def accelerator(
    device: Device, memory_bytes: int | None = None, bandwidth: int | None = None
) -> Accelerator:
    """An Accelerator of a catalogue row; ``memory_bytes`` is an engine's own figure for it."""
    seen = _SEEN.get(device.id)
    total = memory_bytes or device.memory_bytes
    if total is None and device.usable_memory:
        total = max(item.usable_bytes for item in device.usable_memory)
    unified = device.kind is DeviceKind.UNIFIED
    visible = int(seen * GIB) if seen else total if unified else None
    if memory_bytes is not None:
        visible = memory_bytes
    return Accelerator(
        device.id, total, visible, bandwidth or device.bandwidth,
        device.fp16_flops.value if device.fp16_flops else None, device.vendor,
        device.architecture, unified, device.nvlink,
        device.fp16_accumulate_flops.value if device.fp16_accumulate_flops else None,
        device.pcie_generation.value if device.pcie_generation else None,
    )  # fmt: skip


def nameless(name: str, memory_bytes: int | None, bandwidth: int | None) -> Accelerator:
    """A card known only by its memory as the engine prints it, and maybe its bandwidth."""
    return Accelerator(name, memory_bytes, memory_bytes, bandwidth)


def processor(cpu: CpuPlatform, bandwidth: int | None = None) -> Processor:
    """A Processor of a catalogue row, or with a measured ``bandwidth``."""
    return Processor(cpu.id, bandwidth or cpu.memory_bandwidth.value, cpu.cores.value)
