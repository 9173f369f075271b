"""Decode speed from the bytes that a token moves. A band, never a point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log10

from planner.sizing.architecture import Architecture, LayerKind, Role
from planner.sizing.engines_memory.common import Plan
from planner.sizing.engines_memory.llama_moved import HOST
from planner.sizing.engines_memory.llama_weights import (
    assign,
    gguf_of,
    keeps_in_ram,
    layer_at,
    output_at,
)
from planner.sizing.kv import state_bytes, token_bytes
from planner.sizing.quantization import GGUF_STORAGES
from planner.sizing.speed_rows import CPU, CPU_ATTENTION_FLOPS, Efficiency, SpeedClass, class_of
from planner.sizing.values import Accelerator, Speed
from planner.sizing.weights import storage_of, tensor_bytes


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that one decoded token moves, and its operations in attention.

    ``host_weights`` is the part of ``weights`` that lies in the host's RAM beside devices.
    """

    weights: int
    host_weights: int
    cache: int
    attention_operations: int


def decode(plan: Plan) -> Speed | None:
    """Tokens per second of one sequence at ``depth``; None where a bandwidth is unknown."""
    traffic = traffic_of(plan)
    if plan.request.devices:
        return _on_devices(plan, traffic, plan.request.devices[0])
    return _on_cpu(plan, traffic)


def traffic_of(plan: Plan) -> Traffic:
    """Weights read, cache read at the depth, and attention over it, for one token."""
    request, a = plan.request, plan.request.architecture
    depth = request.depth or 0
    cache = spread = 0
    for layer in a.layers:
        kept = min(depth, layer.window) if layer.kind is LayerKind.SLIDING else depth
        cache += int(token_bytes(layer, plan.kv) * kept)
        if layer.kind is LayerKind.LATENT:
            spread += a.heads * (2 * layer.key_width - a.ropes[0].dim) * kept
        elif layer.kind in (LayerKind.FULL, LayerKind.SLIDING):
            spread += a.heads * 2 * layer.key_dim * kept
    cache += 2 * state_bytes(a, state_width=4, conv_width=2)
    top = request.experts_per_token or a.experts_per_token
    return Traffic(_weights_read(plan, top), _host_read(plan, top), cache, 2 * spread)


def _host_read(plan: Plan, top: int) -> int:
    """Active weights that llama.cpp leaves in RAM while devices compute."""
    request, a = plan.request, plan.request.architecture
    if not request.devices or plan.quantization.storage not in GGUF_STORAGES:
        return 0
    if not keeps_in_ram(request):
        return 0
    found, where = gguf_of(plan), assign(plan)
    total = 0
    for index in range(len(found.layers)):
        here = layer_at(found, where, index, HOST)
        total += here.rest + (here.experts * top // a.experts if a.experts else here.experts)
    return total + output_at(found, where, HOST)


def _weights_read(plan: Plan, top: int) -> int:
    """Active weights: everything but the gathered embedding row, and k of N routed experts."""
    a = plan.request.architecture
    if plan.quantization.storage in GGUF_STORAGES:
        found = gguf_of(plan)
        routed = sum(layer.experts for layer in found.layers)
        rest = sum(layer.rest for layer in found.layers) + found.output
        return rest + (routed * top // a.experts if a.experts else routed)
    total = 0
    for tensor in a.tensors:
        if tensor.role is Role.VISION or (tensor.role is Role.EMBEDDING and not a.tied):
            continue
        storage = storage_of(tensor, plan.quantization, a.family)
        count = max(1, len(tensor.layers)) * (top if tensor.copies > 1 else 1)
        total += tensor_bytes(storage, tensor.shape).total * count
    return total


def _on_devices(plan: Plan, traffic: Traffic, device: Accelerator) -> Speed | None:
    a = plan.request.architecture
    row = class_of(device)
    share = row.of(experts=bool(a.experts))
    waiting = _host_seconds(plan, traffic, unified=device.unified)
    if not device.bandwidth or waiting is None:
        return None
    here = replace(traffic, weights=traffic.weights - traffic.host_weights)
    ranks = plan.request.tp or 1
    seconds = _seconds(here, device.bandwidth, share, share.weights_share, ranks) + waiting
    seconds += len(a.layers) * share.overhead
    why = _decode_why(traffic, device.bandwidth, share.weights_share, row, a)
    return _band(1 / seconds, share, why, row)


def _host_seconds(plan: Plan, traffic: Traffic, *, unified: bool) -> float | None:
    """Seconds a token waits for weights read from RAM; None when that bandwidth is unknown."""
    if not traffic.host_weights or unified:
        return 0.0
    cpu = plan.request.cpu
    if cpu is None or not cpu.bandwidth:
        return None
    share = CPU.of(experts=bool(plan.request.architecture.experts))
    return traffic.host_weights / (cpu.bandwidth * _cpu_share(share, cpu.bandwidth))


def _seconds(
    traffic: Traffic, bandwidth: int, share: Efficiency, weights_share: float, ranks: int
) -> float:
    moved = traffic.weights / weights_share + traffic.cache / share.cache_share
    return moved / bandwidth / ranks


def _on_cpu(plan: Plan, traffic: Traffic) -> Speed | None:
    cpu, a = plan.request.cpu, plan.request.architecture
    if cpu is None or not cpu.bandwidth:
        return None
    share = CPU.of(experts=bool(a.experts))
    weights_share = _cpu_share(share, cpu.bandwidth)
    seconds = _seconds(traffic, cpu.bandwidth, share, weights_share, 1)
    seconds += len(a.layers) * share.overhead
    threads = plan.request.threads or cpu.cores
    if threads:
        seconds += traffic.attention_operations / (threads * CPU_ATTENTION_FLOPS)
    why = _decode_why(traffic, cpu.bandwidth, weights_share, CPU, a)
    return _band(1 / seconds, share, why, CPU)


def _cpu_share(share: Efficiency, bandwidth: int) -> float:
    """Two channels are nearly saturated; twelve channels over many chiplets are not."""
    return min(0.85, share.weights_share + 0.25 * max(0.0, log10(460e9 / bandwidth)))


def _decode_why(
    traffic: Traffic, bandwidth: int, share: float, row: SpeedClass, a: Architecture
) -> str:
    return (
        f"{traffic.weights / 1e9:.2f} GB weights + {traffic.cache / 1e9:.2f} GB cache per token at "
        f"{bandwidth / 1e9:.0f} GB/s x {share:.2f} ({row.name}), {len(a.layers)} layers"
    )


def _band(expected: float, share: Efficiency, why: str, row: SpeedClass) -> Speed:
    return Speed(expected * share.low, expected, expected * share.high, f"{why}; {row.source}")
