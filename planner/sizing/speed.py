"""Decode and prefill speed from bytes moved and arithmetic done. A band, never a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planner.sizing.architecture import Architecture, LayerKind, Role
from planner.sizing.engines_memory.common import Plan
from planner.sizing.kv import state_bytes, token_bytes
from planner.sizing.quantization import GGUF_STORAGES
from planner.sizing.speed_rows import APPLE, CPU, GDDR, HBM, UNIFIED, SpeedClass
from planner.sizing.values import Accelerator, Speed
from planner.sizing.weights import is_quantized, matrix_bytes

_FLOPS_PER_CORE: Final = 45e9
_HBM_ARCHITECTURES: Final = ("hopper", "ampere-ga100", "cdna", "blackwell-gb100", "blackwell-gb200")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes one decoded token moves, and 16-bit operations per token of a prompt."""

    weights: int
    cache: int
    operations: int


def decode_and_prefill(plan: Plan) -> tuple[Speed | None, Speed | None]:
    """Both speeds for one sequence at ``depth``; None where bandwidth or FLOPS are unknown."""
    request = plan.request
    traffic = traffic_of(plan)
    if request.devices:
        return _on_devices(plan, traffic, request.devices)
    return _on_cpu(plan, traffic)


def traffic_of(plan: Plan) -> Traffic:
    """Weights read, cache read at the depth, and operations, for one token."""
    request, a = plan.request, plan.request.architecture
    depth = request.depth or 0
    cache = 0
    for layer in a.layers:
        kept = min(depth, layer.window) if layer.kind is LayerKind.SLIDING else depth
        cache += int(token_bytes(layer, plan.kv) * kept)
    cache += 2 * state_bytes(a, state_width=4, conv_width=2)
    top = request.experts_per_token or a.experts_per_token
    active = sum(
        t.elements // t.copies * top if t.copies > 1 else t.elements
        for t in a.tensors
        if t.role not in (Role.VISION, Role.EMBEDDING)
    )
    spread = sum(layer.kv_heads > 0 for layer in a.layers) * a.heads * a.head_dim * depth
    return Traffic(_weights_read(plan, top), cache, 2 * active + 4 * spread)


def _weights_read(plan: Plan, top: int) -> int:
    """Active weights: everything but the gathered embedding row, and k of N routed experts."""
    a = plan.request.architecture
    if plan.quantization.storage in GGUF_STORAGES:
        from planner.sizing.engines_memory.llama_weights import gguf_of

        found = gguf_of(plan)
        routed = sum(layer.experts for layer in found.layers)
        rest = sum(layer.rest for layer in found.layers) + found.output
        return rest + (routed * top // a.experts if a.experts else routed)
    total = 0
    for tensor in a.tensors:
        if tensor.role is Role.VISION or (tensor.role is Role.EMBEDDING and not a.tied):
            continue
        count = max(1, len(tensor.layers)) * (top if tensor.copies > 1 else 1)
        if is_quantized(tensor, plan.quantization.storage):
            total += matrix_bytes(plan.quantization.storage, *tensor.shape).total * count
        else:
            total += tensor.elements // max(1, len(tensor.layers)) // tensor.copies * count * 2
    return total


def class_of(device: Accelerator) -> SpeedClass:
    """The row of efficiencies that describes a device."""
    name = f"{device.name} {device.architecture}".lower()
    if "apple" in name:
        return APPLE
    if device.unified:
        return UNIFIED
    if any(word in name for word in _HBM_ARCHITECTURES):
        return HBM
    if device.bandwidth and device.bandwidth > 1_850_000_000_000:
        return HBM
    return GDDR


def _on_devices(
    plan: Plan, traffic: Traffic, devices: tuple[Accelerator, ...]
) -> tuple[Speed | None, Speed | None]:
    device = devices[0]
    row = class_of(device)
    a = plan.request.architecture
    ranks = plan.request.tp or 1
    moe = bool(a.experts)
    decode = prefill = None
    if device.bandwidth:
        efficiency = row.decode_moe if moe else row.decode
        overhead = row.moe_overhead if moe else row.layer_overhead
        seconds = (traffic.weights + traffic.cache) / ranks / (device.bandwidth * efficiency)
        seconds += len(a.layers) * overhead
        decode = _band(1 / seconds, row, _decode_why(traffic, device.bandwidth, efficiency, row, a))
    if device.flops:
        efficiency = row.prefill_moe if moe else row.prefill
        rate = device.flops * efficiency * ranks / traffic.operations
        why = (
            f"{device.flops / 1e12:.0f} TFLOPS x {efficiency:.2f} / "
            f"{traffic.operations / 1e9:.1f} GFLOP per token"
        )
        prefill = _band(rate, row, why)
    return decode, prefill


def _on_cpu(plan: Plan, traffic: Traffic) -> tuple[Speed | None, Speed | None]:
    cpu = plan.request.cpu
    a = plan.request.architecture
    if cpu is None or not cpu.bandwidth:
        return None, None
    efficiency = CPU.decode_moe if a.experts else CPU.decode
    overhead = CPU.moe_overhead if a.experts else CPU.layer_overhead
    seconds = (traffic.weights + traffic.cache) / (cpu.bandwidth * efficiency)
    seconds += len(a.layers) * overhead
    decode = _band(1 / seconds, CPU, _decode_why(traffic, cpu.bandwidth, efficiency, CPU, a))
    threads = plan.request.threads or cpu.cores
    if not threads:
        return decode, None
    rate = threads * _FLOPS_PER_CORE * CPU.prefill / traffic.operations
    return decode, _band(rate, CPU, f"{threads} threads x {_FLOPS_PER_CORE / 1e9:.0f} GFLOPS")


def _decode_why(
    traffic: Traffic, bandwidth: int, efficiency: float, row: SpeedClass, a: Architecture
) -> str:
    return (
        f"{traffic.weights / 1e9:.2f} GB weights + {traffic.cache / 1e9:.2f} GB cache per token at "
        f"{bandwidth / 1e9:.0f} GB/s x {efficiency:.2f} ({row.name}), {len(a.layers)} layers"
    )


def _band(expected: float, row: SpeedClass, why: str) -> Speed:
    return Speed(expected * row.low, expected, expected * row.high, f"{why}; {row.source}")
