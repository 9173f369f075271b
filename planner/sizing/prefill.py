"""Prefill speed: arithmetic of a prompt's tokens, and what one physical batch has to move.

A batch reads every weight that it touches once (all experts, soon), so that a mixture of experts
is held back by its size as much as by its arithmetic; weights that lie in RAM cross PCIe once a
batch. Attention at a depth has a rate of its own.
"""

from __future__ import annotations

from typing import Final

from planner.sizing.architecture import Architecture, LayerKind, Role
from planner.sizing.engines_memory.common import Plan
from planner.sizing.engines_memory.groups import ABSORBING
from planner.sizing.engines_memory.llama_moved import HOST
from planner.sizing.engines_memory.llama_weights import (
    assign,
    gguf_of,
    keeps_in_ram,
    layer_at,
)
from planner.sizing.prefill_rows import CPU_FLOPS, CPU_READ, PromptClass, Share, prompt_class
from planner.sizing.quantization import GGUF_STORAGES, Storage
from planner.sizing.values import Accelerator, Processor, Speed
from planner.sizing.weights import checkpoint_bytes

# tokens that one step of an engine takes in; more of a prompt waits for the next
_UBATCH: Final = 512
_PAGED_BATCH: Final = 2048
_WIDE: Final = frozenset({"F16", "BF16", "F32"})
# the part of a card's bandwidth that reading weights for a batch reaches
_READ: Final = 0.8
# x16 lanes: 16 GB/s in generation 3, doubled with each; pageable memory reaches three quarters
_PCIE_3: Final = 16_000_000_000
_PCIE_SHARE: Final = 0.75
_PCIE_USUAL: Final = 4
# a prompt is cut into few batches, so that layers split over cards overlap by half at most
_OVERLAP: Final = 0.5


def prefill(plan: Plan) -> Speed | None:
    """Tokens per second of a prompt at ``depth``; None where arithmetic or threads are unknown."""
    request = plan.request
    if request.devices:
        return _on_devices(plan, request.devices)
    return _on_cpu(plan, request.cpu) if request.cpu is not None else None


def _on_devices(plan: Plan, devices: tuple[Accelerator, ...]) -> Speed | None:
    device = devices[0]
    if not device.flops or not device.bandwidth:
        return None
    row = prompt_class(device)
    share = row.share
    rate = float(device.fp16_accumulate_flops or device.flops)
    ranks = plan.request.tp or 1
    together = float(ranks) if ranks > 1 else 1 + _OVERLAP * (1 - 1 / len(devices))
    linear = linear_operations(plan)
    attention = attention_operations(plan)
    touched = _weights(plan)
    linear_share = _linear_share(plan, share)
    batch = _batch(plan)
    computed = linear / linear_share + attention / share.attention
    seconds = computed / (rate * together)
    seconds += touched / (device.bandwidth * _READ * ranks) / batch
    seconds += _uploaded(plan) / _link(device) / batch
    why = (
        f"{linear / 1e9:.1f} GFLOP per token at {rate / 1e12:.0f} TFLOPS x {linear_share:.2f} x "
        f"{together:.2f}, {attention / 1e9:.1f} of attention at x {share.attention:.2f}, "
        f"{touched / 1e9:.1f} GB read per {batch} tokens"
    )
    return _band(1 / seconds, why, row)


def _on_cpu(plan: Plan, cpu: Processor) -> Speed | None:
    threads = plan.request.threads or cpu.cores
    if not threads:
        return None
    operations = linear_operations(plan) + attention_operations(plan)
    seconds = operations / (threads * CPU_FLOPS)
    if cpu.bandwidth:
        seconds += _weights(plan) / (cpu.bandwidth * CPU_READ) / _batch(plan)
    why = (
        f"{operations / 1e9:.1f} GFLOP per token, {threads} threads x {CPU_FLOPS / 1e9:.0f} GFLOPS"
    )
    return _band(1 / seconds, why, prompt_class(None))


def _band(expected: float, why: str, row: PromptClass) -> Speed:
    """Prompt speed depends on kernels and builds far more than decoding does: a wide band."""
    return Speed(expected * row.low, expected, expected * row.high, f"{why}; {row.source}")


def linear_operations(plan: Plan) -> int:
    """Operations of one token in linears: two for each weight that it meets."""
    a = plan.request.architecture
    top = plan.request.experts_per_token or a.experts_per_token
    active = sum(
        t.elements // t.copies * top if t.copies > 1 else t.elements
        for t in a.tensors
        if t.role not in (Role.VISION, Role.EMBEDDING, Role.BUFFER)
    )
    return 2 * active


def attention_operations(plan: Plan) -> int:
    """Operations of one token of a prompt against what lies at ``depth`` in every layer's cache.

    llama.cpp computes latent (MLA) attention in the latent's width; the others expand K and V of
    every head once per batch and compute in the heads' own width.
    """
    a, depth = plan.request.architecture, plan.request.depth or 0
    absorbed = plan.request.engine in ABSORBING
    total = 0
    for layer in a.layers:
        if layer.kind is LayerKind.LATENT and absorbed:
            total += a.heads * (2 * layer.key_width - a.ropes[0].dim) * depth
        elif layer.kind is LayerKind.LATENT:
            total += _expanded(a, layer.key_width, depth, _batch(plan))
        elif layer.kind is LayerKind.FULL:
            total += a.heads * (layer.key_dim + layer.value_dim) * depth
        elif layer.kind is LayerKind.SLIDING:
            kept = min(depth, layer.window)
            total += a.heads * (layer.key_dim + layer.value_dim) * kept
    return 2 * total


def _expanded(a: Architecture, latent: int, depth: int, batch: int) -> int:
    rotary = a.ropes[0].dim
    per_head = a.latent_nope_dim + rotary + a.latent_value_dim
    spread = (latent - rotary) * (a.latent_nope_dim + a.latent_value_dim)
    return a.latent_heads * (per_head + spread // batch) * depth


def _batch(plan: Plan) -> int:
    request = plan.request
    if plan.quantization.storage in GGUF_STORAGES:
        return request.ubatch or min(_UBATCH, request.batch or _UBATCH)
    return request.batch or _PAGED_BATCH


def _weights(plan: Plan) -> int:
    """Bytes of all layers and the output: a batch touches every expert."""
    if plan.quantization.storage in GGUF_STORAGES:
        found = gguf_of(plan)
        return sum(layer.rest + layer.experts for layer in found.layers) + found.output
    return checkpoint_bytes(plan.request.architecture, plan.quantization)


def _linear_share(plan: Plan, share: Share) -> float:
    quant = plan.quantization
    wide = quant.storage is Storage.WIDE or (quant.preset or "").upper() in _WIDE
    rate = share.wide if wide else share.quantized
    return rate * (share.mixture if plan.request.architecture.experts else 1)


def _uploaded(plan: Plan) -> int:
    """Bytes in RAM that llama.cpp copies to a device for each batch of a prompt."""
    request = plan.request
    if plan.quantization.storage not in GGUF_STORAGES or request.devices[0].unified:
        return 0
    if not keeps_in_ram(request):
        return 0
    found, where = gguf_of(plan), assign(plan)
    total = 0
    for index in range(len(found.layers)):
        here = layer_at(found, where, index, HOST)
        total += here.rest + here.experts
    return total


def _link(device: Accelerator) -> float:
    generation = device.pcie_generation or _PCIE_USUAL
    return float(_PCIE_3 * 2 ** (generation - 3)) * _PCIE_SHARE
