"""An architecture read off a GGUF file's own tensors, for families without a config builder."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import Final

from planner.sizing.architecture import (
    Architecture,
    Layer,
    LayerKind,
    Role,
    Rope,
    Split,
    Tensor,
    UnknownArchitecture,
)
from planner.sizing.gguf_header import GgufHeader, GgufTensor

_BLOCK: Final = re.compile(r"blk\.(\d+)\.(.+?)\.(weight|bias)$")
# every Nth layer attends to everything, where the file does not say it layer by layer
_PATTERNS: Final = {"gemma2": 2, "gemma3": 6, "gpt-oss": 2, "llama4": 4, "cohere2": 4}
_OUTPUTS: Final = frozenset(
    {"ffn_down", "attn_output", "ssm_out", "ffn_down_exps", "ffn_down_shexp"}
)


class _Fields:
    """Metadata of one architecture; per-layer arrays are read by layer."""

    def __init__(self, header: GgufHeader) -> None:
        self.family = str(header.metadata.get("general.architecture", ""))
        if not self.family:
            raise UnknownArchitecture("the header names no architecture")
        self._metadata = header.metadata

    def get(self, key: str) -> object:
        return self._metadata.get(f"{self.family}.{key}")

    def whole(self, key: str, default: int | None = None, layer: int = 0) -> int:
        """An integer, of one layer where the file has an array. Raises UnknownArchitecture."""
        value = self.get(key)
        if isinstance(value, list):
            value = value[layer] if layer < len(value) else None
        if isinstance(value, bool | int | float):
            return int(value)
        if default is None:
            raise UnknownArchitecture(f"the header lacks {self.family}.{key}")
        return default


def architecture_of_tensors(header: GgufHeader) -> Architecture:
    """The architecture that a header describes. Raises UnknownArchitecture."""
    fields = _Fields(header)
    count = header.blocks
    if count is None:
        raise UnknownArchitecture(f"the header lacks {fields.family}.block_count")
    hidden, heads = fields.whole("embedding_length"), _most(fields, "attention.head_count", count)
    at = _bases(header)
    layers = tuple(_layer(fields, at, index, hidden) for index in range(count))
    latent = fields.whole("attention.kv_lora_rank", 0)
    positions = fields.whole("context_length", 0)
    key = fields.whole("attention.key_length", hidden // max(1, heads))
    rotary = fields.whole("rope.dimension_count", key)
    return Architecture(
        fields.family, hidden, _vocabulary(header), heads, key, layers, _tensors(header, count),
        intermediate=_most(fields, "feed_forward_length", count),
        experts=fields.whole("expert_count", 0),
        experts_per_token=fields.whole("expert_used_count", 0),
        expert_width=fields.whole("expert_feed_forward_length", 0),
        tied=not any(info.name == "output.weight" for info in header.tensors),
        max_position=positions, ropes=(Rope(positions, rotary),),
        latent_heads=heads if latent else 0,
        latent_nope_dim=fields.whole("attention.key_length_mla", key) - rotary if latent else 0,
        latent_value_dim=fields.whole("attention.value_length_mla", key) if latent else 0,
        causal=bool(fields.whole("attention.causal", 1)),
    )  # fmt: skip


def _most(fields: _Fields, key: str, count: int) -> int:
    return max((fields.whole(key, 0, layer) for layer in range(count)), default=0)


def _vocabulary(header: GgufHeader) -> int:
    found = next((i.shape[-1] for i in header.tensors if i.name == "token_embd.weight"), None)
    if found is None:
        raise UnknownArchitecture("the file has no token embedding")
    return found


def _bases(header: GgufHeader) -> dict[int, set[str]]:
    """What tensors each block has."""
    found: dict[int, set[str]] = defaultdict(set)
    for info in header.tensors:
        match = _BLOCK.match(info.name)
        if match:
            found[int(match[1])].add(match[2])
    return found


def _layer(fields: _Fields, at: dict[int, set[str]], index: int, hidden: int) -> Layer:
    names = at.get(index, set())
    if "ssm_out" in names or "ssm_in" in names:
        inner, state = fields.whole("ssm.inner_size"), fields.whole("ssm.state_size")
        mixed = inner + 2 * fields.whole("ssm.group_count", 1) * state
        kernel = fields.whole("ssm.conv_kernel", 4)
        return Layer(
            LayerKind.LINEAR, state_elements=inner * state, conv_elements=(kernel - 1) * mixed
        )
    latent = fields.whole("attention.kv_lora_rank", 0)
    if latent:
        return Layer(LayerKind.LATENT, 1, latent + fields.whole("rope.dimension_count"), 0)
    if not names & {"attn_k", "attn_qkv", "attn_v"}:
        return Layer(LayerKind.STATELESS)
    heads = fields.whole("attention.head_count", layer=index)
    kv_heads = fields.whole("attention.head_count_kv", heads, index)
    sliding = _is_sliding(fields, index)
    suffix = "_swa" if sliding and fields.get("attention.key_length_swa") is not None else ""
    key = fields.whole(f"attention.key_length{suffix}", hidden // max(1, heads))
    value = fields.whole(f"attention.value_length{suffix}", key)
    kind = LayerKind.SLIDING if sliding else LayerKind.FULL
    window = fields.whole("attention.sliding_window", 0) if sliding else 0
    return Layer(kind, kv_heads, key, value, window)


def _is_sliding(fields: _Fields, index: int) -> bool:
    if not fields.whole("attention.sliding_window", 0):
        return False
    pattern = fields.get("attention.sliding_window_pattern")
    if isinstance(pattern, list):
        return bool(pattern[index]) if index < len(pattern) else False
    every = (
        int(pattern) if isinstance(pattern, int) and pattern else _PATTERNS.get(fields.family, 0)
    )
    return bool(every) and bool((index + 1) % every)


def _tensors(header: GgufHeader, count: int) -> tuple[Tensor, ...]:
    """Tensor groups: one per name and shape, over the blocks that have it."""
    groups: dict[tuple[str, str, tuple[int, ...]], list[int]] = defaultdict(list)
    single: list[Tensor] = []
    for info in header.tensors:
        match = _BLOCK.match(info.name)
        if match and int(match[1]) < count:
            groups[match[2], match[3], info.shape].append(int(match[1]))
        elif not match:
            single.append(_single(info))
    return (*single, *(_grouped(*key, tuple(layers)) for key, layers in groups.items()))


def _single(info: GgufTensor) -> Tensor:
    base = info.name.rpartition(".")[0]
    role = {"token_embd": Role.EMBEDDING, "output": Role.OUTPUT}.get(base, Role.NORM)
    split = Split.VOCABULARY if role in (Role.EMBEDDING, Role.OUTPUT) else Split.NONE
    return Tensor(info.name, base, tuple(reversed(info.shape)), role, (), split)


def _grouped(
    base: str, ending: str, dimensions: tuple[int, ...], layers: tuple[int, ...]
) -> Tensor:
    shape, copies = tuple(reversed(dimensions)), 1
    if "_exps" in base and len(shape) > 1:
        shape, copies = shape[1:], shape[0]
    elif len(shape) > 2:
        shape = (math.prod(shape[:-1]), shape[-1])
    split = Split.ROW if base in _OUTPUTS else Split.COLUMN if len(shape) == 2 else Split.NONE
    name = f"blk.{{layer}}.{base}.{ending}"
    return Tensor(name, base, shape, _role(base, ending, len(shape)), layers, split, copies)


def _role(base: str, ending: str, rank: int) -> Role:
    if ending == "bias":
        return Role.BIAS
    if base.startswith("ffn_gate_inp"):
        return Role.ROUTER
    if rank == 1:
        return Role.NORM
    if base.endswith("_exps"):
        return Role.EXPERT
    if base.endswith("_shexp"):
        return Role.SHARED_EXPERT
    if base == "ssm_conv1d":
        return Role.STATE
    return Role.MLP if base.startswith("ffn") else Role.ATTENTION
