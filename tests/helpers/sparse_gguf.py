"""Writes GGUF files with the real shapes of real models: true headers, holes for weights.

A server that maps the file loads it in a moment and allocates what it would for the real one; on
disk it takes a few MiB. What it answers means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gguf import GGMLQuantizationType, GGUFWriter, TokenType

from planner.sizing.architecture import Architecture, Layer, LayerKind, Role, Tensor
from planner.sizing.gguf import tensor_types
from planner.sizing.gguf_types import type_bytes

Metadata = Mapping[str, int | float | list[int]]
_NORM: Final = 1e-6


def _sliding(a: Architecture) -> Metadata:
    return {"attention.sliding_window": max(layer.window for layer in a.layers)}


def _latent(a: Architecture) -> Metadata:
    rotary = a.ropes[0].dim
    latent = a.layers[0].key_dim - rotary
    return {
        "attention.head_count_kv": 1,
        "attention.key_length": latent + rotary,
        "attention.value_length": latent,
        "attention.key_length_mla": a.latent_nope_dim + rotary,
        "attention.value_length_mla": a.latent_value_dim,
        "attention.kv_lora_rank": latent,
        "rope.dimension_count": rotary,
        "leading_dense_block_count": len(_layers(a, "ffn_gate")),
        "expert_shared_count": _rows(a, "ffn_up_shexp") // a.expert_width,
        "expert_weights_scale": 1.0,
        "expert_gating_func": 1,
    }


def _linear(a: Architecture) -> Metadata:
    """Gated delta net: an inner state of value heads x value width, keys shared in groups."""
    heads, width = _rows(a, "ssm_a"), _rows(a, "ssm_norm")
    mixed = _rows(a, "ssm_conv1d")
    every = next(i for i, layer in enumerate(a.layers) if layer.kind is LayerKind.FULL) + 1
    return {
        "ssm.conv_kernel": 4,
        "ssm.inner_size": heads * width,
        "ssm.state_size": width,
        "ssm.time_step_rank": heads,
        "ssm.group_count": (mixed - heads * width) // (2 * width),
        "full_attention_interval": every,
        "rope.dimension_count": a.ropes[0].dim,
        "rope.dimension_sections": [11, 11, 10, 0],
    }


def _shared_expert(a: Architecture) -> Metadata:
    return {"expert_shared_feed_forward_length": _rows(a, "ffn_up_shexp")}


@dataclass(frozen=True)
class _Family:
    """How llama.cpp calls an architecture, what its tensors are renamed to, and its own keys."""

    name: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    metadata: tuple[Callable[[Architecture], Metadata], ...] = ()


_POST: Final = {"ffn_norm": "post_attention_norm"}
FAMILIES: Final[Mapping[str, _Family]] = {
    "llama": _Family("llama"),
    "qwen3": _Family("qwen3"),
    "qwen3_moe": _Family("qwen3moe"),
    "gemma3": _Family(
        "gemma3",
        {
            "pre_ffn_norm": "ffn_norm",
            "ffn_norm": "post_attention_norm",
            "post_ffn_norm": "post_ffw_norm",
        },
        (_sliding,),
    ),
    "gpt_oss": _Family("gpt-oss", _POST, (_sliding,)),
    "deepseek_v2": _Family("deepseek2", {}, (_latent,)),
    "qwen3_5": _Family("qwen35", {}, (_linear,)),
    "qwen3_5_moe": _Family("qwen35moe", {}, (_linear, _shared_expert)),
}


def write_sparse_gguf(path: Path, architecture: Architecture, preset: str) -> Path:
    """A file of ``architecture`` under a llama.cpp preset, its weights a hole. Returns ``path``.

    Raises KeyError for a family that has no row in FAMILIES.
    """
    family = FAMILIES[architecture.family]
    writer = GGUFWriter(path, family.name)
    _add_vocabulary(writer, architecture.vocab)
    for key, value in _metadata(architecture, family).items():
        _add(writer, f"{family.name}.{key}", value)
    end = 0
    for tensor, layer, kind in tensor_types(architecture, preset):
        name = _name(tensor, layer, family)
        size = type_bytes(kind, tensor.elements_each)
        own = GGMLQuantizationType[kind]
        writer.add_tensor_info(name, _shape(tensor), None, size, own)  # type: ignore[arg-type]
        end += -(-size // 32) * 32
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    start = -(-path.stat().st_size // 32) * 32
    with path.open("r+b") as file:
        file.truncate(start + end)
    return path


def _metadata(a: Architecture, family: _Family) -> dict[str, int | float | list[int]]:
    layer = next(x for x in a.layers if x.kind is not LayerKind.LINEAR)
    found: dict[str, int | float | list[int]] = {
        "block_count": len(a.layers),
        "context_length": a.max_position,
        "embedding_length": a.hidden,
        "feed_forward_length": a.intermediate or a.expert_width,
        "attention.head_count": a.heads,
        **_attention(layer),
        "attention.layer_norm_rms_epsilon": _NORM,
        "rope.freq_base": 1e6,
    }
    if a.experts:
        found |= {
            "expert_count": a.experts,
            "expert_used_count": a.experts_per_token,
            "expert_feed_forward_length": a.expert_width,
        }
    for more in family.metadata:
        found |= more(a)
    return found


def _attention(layer: Layer) -> Metadata:
    return {
        "attention.head_count_kv": layer.kv_heads,
        "attention.key_length": layer.key_dim,
        "attention.value_length": layer.value_dim,
        "rope.dimension_count": layer.key_dim,
    }


def _add(writer: GGUFWriter, key: str, value: int | float | list[int]) -> None:
    if isinstance(value, list):
        writer.add_array(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    else:
        writer.add_uint32(key, value)


def _add_vocabulary(writer: GGUFWriter, size: int) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([f"t{index}" for index in range(size)])
    writer.add_token_types([TokenType.NORMAL] * size)
    writer.add_token_merges(["t 1"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(value=False)


def _name(tensor: Tensor, layer: int, family: _Family) -> str:
    base = family.renamed.get(tensor.gguf, tensor.gguf)
    ending = "bias" if tensor.role is Role.BIAS else "weight"
    if base == "ssm_dt":
        ending = "bias"
    full = base if base == "ssm_a" else f"{base}.{ending}"
    return full if layer < 0 else f"blk.{layer}.{full}"


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return (tensor.copies, *tensor.shape) if tensor.copies > 1 else tensor.shape


def _rows(a: Architecture, name: str) -> int:
    return next((t.shape[0] for t in a.tensors if t.gguf == name), 0)


def _layers(a: Architecture, name: str) -> tuple[int, ...]:
    return next((t.layers for t in a.tensors if t.gguf == name), ())
