"""Bytes of weights: in a checkpoint's files, and on each rank after an engine has loaded them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from planner.sizing.architecture import QUANTIZABLE, Architecture, Role, Split, Tensor
from planner.sizing.quantization import Quantization, Storage
from planner.units import MIB, ceil_div, round_up

_GROUP: Final = 128
_BLOCK: Final = 128
# bitsandbytes: one absmax byte for 64 elements, and one float for 256 of those
_NF4_BLOCK: Final = 64
_NF4_OUTER: Final = 64 * 256


@dataclass(frozen=True, slots=True)
class MatrixBytes:
    """``main`` is the matrix itself, ``extra`` its scales and zeros."""

    main: int
    extra: int

    @property
    def total(self) -> int:
        """Both."""
        return self.main + self.extra


def matrix_bytes(storage: Storage, out: int, into: int, *, scale_bytes: int = 2) -> MatrixBytes:
    """Bytes of one (out, in) matrix of a linear layer, checked against published checkpoints."""
    elements = out * into
    groups = ceil_div(into, _GROUP)
    match storage:
        case Storage.WIDE | Storage.GGUF | Storage.GGUF_MIX:
            return MatrixBytes(2 * elements, 0)
        case Storage.FP32:
            return MatrixBytes(4 * elements, 0)
        case Storage.FP8 | Storage.INT8:
            return MatrixBytes(elements, scale_bytes * out)
        case Storage.FP8_BLOCK:
            blocks = ceil_div(out, _BLOCK) * ceil_div(into, _BLOCK)
            return MatrixBytes(elements, scale_bytes * blocks)
        case Storage.AWQ:
            return MatrixBytes(elements // 2, groups * (out // 8) * 4 + groups * out * 2)
        case Storage.GPTQ:
            return MatrixBytes(elements // 2, groups * (out // 8) * 4 + groups * out * 2 + 4 * into)
        case Storage.NVFP4:
            return MatrixBytes(elements // 2, elements // 16 + 4)
        case Storage.MXFP4:
            return MatrixBytes(elements // 2, elements // 32)
        case Storage.NF4:
            outer = 4 * ceil_div(elements, _NF4_OUTER)
            return MatrixBytes(elements // 2, ceil_div(elements, _NF4_BLOCK) + outer)
        case Storage.NF4_LOADED:
            return MatrixBytes(elements // 2, 4 * ceil_div(elements, _NF4_BLOCK))


# which roles the published NVFP4 checkpoints of these families leave alone or store as fp8
# (hf_quant_config.json and quantization_config of nvidia/*-NVFP4)
_NVFP4_WIDE: Final = frozenset(
    {"glm_moe_dsa", "deepseek_v3", "glm4_moe_lite", "gemma4", "minimax_m2"}
)
_NVFP4_MIXED: Final = frozenset({"qwen3_5", "qwen3_5_moe"})
_ATTENTION_PARTS: Final = frozenset({Role.ATTENTION, Role.SHARED_EXPERT})


def storage_of(tensor: Tensor, quantization: Quantization, family: str) -> Storage:
    """How this tensor is stored: embeddings, output, norms and routers stay wide."""
    storage = quantization.storage
    wide = Storage.FP32 if storage is Storage.FP32 else Storage.WIDE
    if storage is Storage.NVFP4 and len(tensor.shape) == 2:
        return _nvfp4_storage(tensor, family)
    if len(tensor.shape) != 2 or tensor.role not in QUANTIZABLE:
        return wide
    if storage is Storage.MXFP4 and tensor.role is not Role.EXPERT:
        return wide
    return storage


def _nvfp4_storage(tensor: Tensor, family: str) -> Storage:
    """NVIDIA's recipes: mixed with fp8 and a 4-bit output, or experts only, or every linear."""
    if family in _NVFP4_MIXED:
        if tensor.role is Role.ATTENTION:
            return Storage.WIDE if tensor.gguf in ("ssm_alpha", "ssm_beta") else Storage.FP8
        quantized = tensor.role in QUANTIZABLE or tensor.role is Role.OUTPUT
        return Storage.NVFP4 if quantized else Storage.WIDE
    kept = family in _NVFP4_WIDE and tensor.role in _ATTENTION_PARTS
    return Storage.NVFP4 if tensor.role in QUANTIZABLE and not kept else Storage.WIDE


def tensor_bytes(storage: Storage, shape: tuple[int, ...], *, scale_bytes: int = 2) -> MatrixBytes:
    """Bytes of one tensor of any shape; only matrices have a quantized form."""
    if storage in (Storage.WIDE, Storage.FP32) or len(shape) != 2:
        return MatrixBytes(math.prod(shape) * (4 if storage is Storage.FP32 else 2), 0)
    return matrix_bytes(storage, shape[0], shape[1], scale_bytes=scale_bytes)


def checkpoint_bytes(
    architecture: Architecture, quantization: Quantization, *, scale_bytes: int = 2
) -> int:
    """Bytes of all tensors in a safetensors checkpoint (``total_size`` of its index)."""
    total = 0
    for tensor in architecture.tensors:
        storage = storage_of(tensor, quantization, architecture.family)
        each = tensor_bytes(storage, tensor.shape, scale_bytes=scale_bytes)
        total += each.total * tensor.copies * max(1, len(tensor.layers))
    return total + _kept_wide(architecture, quantization)


def _kept_wide(architecture: Architecture, quantization: Quantization) -> int:
    """What a mix keeps in 16 bit beyond the rules (bitsandbytes "dynamic" checkpoints)."""
    if not quantization.wide_share:
        return 0
    elements = sum(t.elements for t in architecture.tensors if t.quantizable)
    saved = 2 - matrix_bytes(quantization.storage, 4096, 4096).total / 4096**2
    return int(elements * quantization.wide_share * saved)


def rank_shape(tensor: Tensor, ranks: int, *, vocabulary_step: int = 64) -> tuple[int, ...]:
    """A tensor's shape on one of ``ranks`` tensor-parallel ranks.

    KV projections keep at least one head per rank (replicated when ranks exceed the heads); the
    vocabulary is padded to a multiple of ``vocabulary_step`` first.
    """
    shape = tensor.shape
    match tensor.split:
        case Split.NONE:
            return shape
        case Split.ROW:
            return (*shape[:-1], ceil_div(shape[-1], ranks))
        case Split.VOCABULARY:
            return (ceil_div(round_up(shape[0], vocabulary_step), ranks), *shape[1:])
        case Split.KV:
            return (max(tensor.granule, ceil_div(shape[0], ranks)), *shape[1:])
        case Split.COLUMN:
            return (ceil_div(shape[0], ranks), *shape[1:])


def allocated(size: int) -> int:
    """What PyTorch's caching allocator counts for one tensor.

    Allocations over 10 MiB come from segments rounded up to 2 MiB, and a rest of 1 MiB or less is
    not split off; everything is rounded up to 512 bytes.
    """
    if size <= 10 * MIB:
        return round_up(size, 512)
    segment = round_up(size, 2 * MIB)
    return segment if segment - size <= MIB else round_up(size, 512)


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """Bytes on one rank of one pipeline stage; ``tables`` are rotary tables kept beside them."""

    weights: int
    tables: int
    whole: int

    @property
    def total(self) -> int:
        """What the engine prints as the model's memory."""
        return self.weights + self.tables


@dataclass(frozen=True, slots=True)
class Loading:
    """How an engine loads: padding of MXFP4 experts, absorbed copies of MLA."""

    mxfp4_step: int = 256
    latent_copies: bool = True


def stage_layers(count: int, stages: int, stage: int) -> range:
    """Layers of a pipeline stage: even, the remainder on the stages before the last."""
    base, rest = divmod(count, stages)
    sizes = [base] * stages
    for index in range(2, rest + 2):
        sizes[-index if stages > 1 else 0] += 1
    start = sum(sizes[:stage])
    return range(start, start + sizes[stage])


def _on_stage(tensor: Tensor, layers: range, *, first: bool, last: bool, tied: bool) -> int:
    """How many of the group lie on the stage."""
    if tensor.role is Role.VISION:
        return max(1, len(tensor.layers)) if first else 0
    if tensor.layers:
        return sum(1 for index in tensor.layers if index in layers)
    if tensor.role is Role.EMBEDDING:
        return 1 if first or (last and tied) else 0
    return 1 if last else 0


def _padded(tensor: Tensor, shape: tuple[int, ...], storage: Storage, step: int) -> tuple[int, ...]:
    if storage is Storage.MXFP4 and tensor.role is Role.EXPERT and len(shape) == 2:
        return (shape[0], round_up(shape[1], step))
    return shape


@lru_cache(maxsize=512)
def loaded_weights(
    architecture: Architecture,
    quantization: Quantization,
    tp: int = 1,
    pp: int = 1,
    stage: int = 0,
    loading: Loading = Loading(),
    *,
    whole_experts: bool = False,
) -> LoadedWeights:
    """Weights on one rank, as PyTorch engines hold them: merged, padded and allocated.

    ``whole_experts`` spreads experts over the ranks instead of cutting each (expert parallel).
    """
    storage = quantization.storage
    wide = 4 if storage is Storage.FP32 else 2
    layers = stage_layers(len(architecture.layers), pp, stage)
    groups: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    extras = whole = 0
    for tensor in architecture.tensors:
        count = _on_stage(
            tensor, layers, first=stage == 0, last=stage == pp - 1, tied=architecture.tied
        )
        if not count:
            continue
        apart = whole_experts and tensor.role is Role.EXPERT
        copies = ceil_div(tensor.copies, tp) if apart else tensor.copies
        cut = tensor.shape if apart else rank_shape(tensor, tp)
        shape = _padded(tensor, cut, storage, loading.mxfp4_step)
        own = storage_of(tensor, quantization, architecture.family)
        each = tensor_bytes(own, shape, scale_bytes=4)
        main, extra = each.main * copies, each.extra * copies
        group = groups.setdefault((tensor.fused or tensor.name, tensor.layers), [count, 0])
        group[1] += main
        extras += extra * count
        whole += (main + extra) * count
    weights = sum(count * allocated(size) for count, size in groups.values()) + extras
    weights += _kept_wide(architecture, quantization) // (tp * pp)
    if loading.latent_copies and architecture.latent_heads:
        weights += _absorbed(architecture, tp) * len(layers)
    tables = sum(rope.positions * rope.dim * wide for rope in architecture.ropes)
    return LoadedWeights(weights, tables, whole)


def _absorbed(architecture: Architecture, tp: int) -> int:
    """MLA keeps 16-bit copies of kv_b's two halves, absorbed into query and output."""
    latent = next(t.shape[1] for t in architecture.tensors if t.gguf == "attn_kv_b")
    width = architecture.latent_nope_dim + architecture.latent_value_dim
    return ceil_div(architecture.latent_heads, tp) * width * latent * 2
