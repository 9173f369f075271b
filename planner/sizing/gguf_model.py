"""A parsed GGUF header as an architecture and the exact bytes of its tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from planner.sizing.architecture import Architecture
from planner.sizing.architectures import architecture_of
from planner.sizing.gguf import GgufWeights, LayerBytes
from planner.sizing.gguf_header import GgufHeader, GgufTensor, ItemCount
from planner.sizing.gguf_shapes import architecture_of_tensors
from planner.sizing.gguf_types import type_bytes

_BLOCK: Final = re.compile(r"blk\.(\d+)\.(.+)")

# llama.cpp's names of architectures -> model_type of a config.json
_MODEL_TYPES: Final = {
    "llama": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen3moe": "qwen3_moe",
    "gemma2": "gemma2",
    "gemma3": "gemma3_text",
    "phi3": "phi3",
    "glm4": "glm4",
    "glm4moe": "glm4_moe",
    "gpt-oss": "gpt_oss",
}

# key after the architecture's name -> field of a config.json
_FIELDS: Final = {
    "embedding_length": "hidden_size",
    "block_count": "num_hidden_layers",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "feed_forward_length": "intermediate_size",
    "context_length": "max_position_embeddings",
    "attention.sliding_window": "sliding_window",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
    "attention.kv_lora_rank": "kv_lora_rank",
    "attention.q_lora_rank": "q_lora_rank",
    "rope.dimension_count": "qk_rope_head_dim",
    "attention.value_length_mla": "v_head_dim",
    "leading_dense_block_count": "first_k_dense_replace",
    "expert_shared_count": "n_shared_experts",
}

# general.file_type (llama.h, enum llama_ftype)
_PRESETS: Final[dict[int, str]] = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 22: "IQ3_XS", 23: "IQ3_XXS",
    24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS",
    31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
}  # fmt: skip
_EXPERTS: Final = {
    "deepseek_v3": "n_routed_experts",
    "glm4_moe": "n_routed_experts",
    "gpt_oss": "num_local_experts",
    "mixtral": "num_local_experts",
}


def gguf_architecture(header: GgufHeader) -> Architecture:
    """The architecture that a header describes: by its family, else from its tensors alone.

    Raises UnknownArchitecture when the header lacks what every architecture needs.
    """
    name = str(header.metadata.get("general.architecture"))
    model_type = _MODEL_TYPES.get(name)
    if model_type is None:
        return architecture_of_tensors(header)
    config = _config(name, model_type, header)
    return architecture_of(config)


def _config(name: str, model_type: str, header: GgufHeader) -> dict[str, Any]:
    metadata = header.metadata
    config: dict[str, Any] = {}
    for key, field in _FIELDS.items():
        value = metadata.get(f"{name}.{key}")
        if isinstance(value, list):
            value = max(value, default=None)
        if value is not None:
            config[field] = value
    if header.blocks is not None:
        config["num_hidden_layers"] = header.blocks
    experts = metadata.get(f"{name}.expert_count")
    if isinstance(experts, int) and experts:
        model_type = "mixtral" if model_type == "llama" else model_type
        config[_EXPERTS.get(model_type, "num_experts")] = experts
    config["model_type"] = model_type
    config["vocab_size"] = _vocabulary(metadata, header)
    names = {tensor.name for tensor in header.tensors}
    config["tie_word_embeddings"] = "output.weight" not in names
    return config


def gguf_quantization(header: GgufHeader) -> str | None:
    """The preset that the file says it was made with, or None for one planner does not know."""
    stated = header.metadata.get("general.file_type")
    return _PRESETS.get(stated) if isinstance(stated, int) else None


def _vocabulary(metadata: Mapping[str, object], header: GgufHeader) -> int:
    for tensor in header.tensors:
        if tensor.name == "token_embd.weight":
            return tensor.shape[-1]
    tokens = metadata.get("tokenizer.ggml.tokens")
    if isinstance(tokens, ItemCount):
        return tokens.count
    return len(tokens) if isinstance(tokens, list) else 0


def joined_header(parts: Sequence[GgufHeader]) -> GgufHeader:
    """The header of a file in parts: metadata of the first, tensors of all."""
    tensors = tuple(tensor for part in parts for tensor in part.tensors)
    return GgufHeader(parts[0].metadata, tensors, parts[0].data_offset)


def gguf_file_weights(header: GgufHeader, file_bytes: int) -> GgufWeights:
    """Bytes of every tensor of one file of ``file_bytes``, by where llama.cpp puts them."""
    return gguf_parts_weights([(header, file_bytes)])


def gguf_parts_weights(parts: Sequence[tuple[GgufHeader, int]]) -> GgufWeights:
    """The same for a file in parts, each header beside the bytes of its file.

    The size follows from type and shape; of a type planner does not know, from where the next
    tensor begins (the file's end for the last).
    """
    sizes = {name: size for part in parts for name, size in _sizes(*part).items()}
    header = joined_header([part for part, _ in parts])
    layers: dict[int, list[int]] = {}
    embedding = output = guessing = 0
    head = False
    blocks = header.blocks
    for tensor in header.tensors:
        size = sizes[tensor.name]
        block = _BLOCK.match(tensor.name)
        if block and blocks is not None and int(block[1]) >= blocks:
            guessing += size
        elif block:
            pair = layers.setdefault(int(block[1]), [0, 0])
            pair["_exps." in f"{block[2]}."] += size
        elif tensor.name == "token_embd.weight":
            embedding += size
        else:
            output += size
            head = head or tensor.name == "output.weight"
    if not head:
        output += embedding
    rows = tuple(LayerBytes(*layers.get(index, [0, 0])) for index in range(_depth(layers)))
    return GgufWeights(embedding, output + guessing, not head, rows, head=guessing)


def _depth(layers: Mapping[int, object]) -> int:
    return max(layers, default=-1) + 1


def _sizes(header: GgufHeader, file_bytes: int) -> dict[str, int]:
    ordered = sorted(header.tensors, key=lambda tensor: tensor.offset)
    ends = [tensor.offset for tensor in ordered[1:]] + [file_bytes - header.data_offset]
    return {
        tensor.name: _size(tensor, end - tensor.offset)
        for tensor, end in zip(ordered, ends, strict=True)
    }


def _size(tensor: GgufTensor, span: int) -> int:
    return type_bytes(tensor.type, tensor.elements) if tensor.type else span
