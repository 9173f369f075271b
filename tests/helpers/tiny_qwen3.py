"""Writes a tiny Qwen3 with random weights as a folder, as a model hub has it: for vLLM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

HIDDEN, FEED, VOCABULARY, HEAD, HEADS, KV_HEADS = 64, 128, 320, 32, 4, 2
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "torch_dtype": "bfloat16",
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "intermediate_size": FEED,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": HEAD,
    "hidden_act": "silu",
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "eos_token_id": 258,
}


def write_tiny_qwen3(folder: Path, *, layers: int = 2, seed: int = 0) -> Path:
    """Write the model and return its folder."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**_CONFIG, "num_hidden_layers": layers}))
    _write_tokenizer(folder)
    random = np.random.Generator(np.random.PCG64(seed))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    blobs: list[bytes] = []
    end = 0
    for name, shape in _shapes(layers).items():
        drawn = random.standard_normal(shape) * 0.02 if len(shape) == 2 else np.ones(shape)
        blob = (drawn.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes()
        begin, end = end, end + len(blob)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = len(text).to_bytes(8, "little") + text + b"".join(blobs)
    (folder / "model.safetensors").write_bytes(data)
    return folder


def _shapes(layers: int) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (VOCABULARY, HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "lm_head.weight": (VOCABULARY, HIDDEN),
    }
    for layer in range(layers):
        block = f"model.layers.{layer}"
        found |= {
            f"{block}.input_layernorm.weight": (HIDDEN,),
            f"{block}.post_attention_layernorm.weight": (HIDDEN,),
            f"{block}.self_attn.q_proj.weight": (HEADS * HEAD, HIDDEN),
            f"{block}.self_attn.k_proj.weight": (KV_HEADS * HEAD, HIDDEN),
            f"{block}.self_attn.v_proj.weight": (KV_HEADS * HEAD, HIDDEN),
            f"{block}.self_attn.o_proj.weight": (HIDDEN, HEADS * HEAD),
            f"{block}.self_attn.q_norm.weight": (HEAD,),
            f"{block}.self_attn.k_norm.weight": (HEAD,),
            f"{block}.mlp.gate_proj.weight": (FEED, HIDDEN),
            f"{block}.mlp.up_proj.weight": (FEED, HIDDEN),
            f"{block}.mlp.down_proj.weight": (HIDDEN, FEED),
        }
    return found


def _write_tokenizer(folder: Path) -> None:
    """Bytes as tokens, and the chat's special ones."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    symbols = [chr(byte if byte in printable else next(others)) for byte in range(0x100)]
    vocabulary = {symbol: place for place, symbol in enumerate([*symbols, *_SPECIAL])}
    level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    document = {
        "version": "1.0",
        "added_tokens": [
            {"id": vocabulary[token], "content": token, "special": True, **flags}
            for token in _SPECIAL
        ],
        "pre_tokenizer": level,
        "decoder": level,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
    }
    (folder / "tokenizer.json").write_text(json.dumps(document))
    stated = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))
