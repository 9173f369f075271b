#!/usr/bin/env python3
"""Writes a tiny GGUF model with random weights, which a real llama-server loads and answers from.

The answers are random words; all around them is real: architecture, tokenizer, chat template,
context length. The same arguments give the same bytes.

    python -m tests.helpers.tiny_gguf PATH [--seed N]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, PoolingType, TokenType
from numpy.typing import NDArray

ARCHITECTURE = "qwen3"
MIXTURE = "qwen3moe"
HEAD_DIM = 32
SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# The words it answers with. Each is a token, reached from single bytes by merges.
_TEXT = """
the a one some every no my your this and or but in on at by from with farm host model card memory
layer token answer question box rack fan light night day cold warm small large quiet open runs
thinks waits hums counts holds keeps gives finds sees
"""
WORDS = tuple(_TEXT.split())
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
RANK_TEMPLATE_KEY = "tokenizer.chat_template.rerank"
RANK_TEMPLATE = "question {query} answer {document}"
_SPREAD = 0.02  # standard deviation of the weights, as models are initialised before training
_WORD_SPREAD = 0.6  # of the output layer's rows of words; all other rows are 0 and hardly ever win

_SPACE = "Ġ"  # stands for a space in byte-level BPE

Tensor = tuple[str, NDArray[np.float32]]


def write_tiny_gguf(
    path: Path,
    *,
    seed: int = 0,
    layers: int = 2,
    hidden: int = 64,
    heads: int = 4,
    kv_heads: int = 2,
    context: int = 8192,
    name: str = "tiny",
    experts: int = 0,
    experts_used: int = 2,
    ranks: bool = False,
) -> Path:
    """Write the model to `path` and return it: under 2 MB with the defaults.

    `hidden` is the width of a layer's output; each of the `heads` is 32 wide. `context` is the
    number of tokens the model claims to be trained for. With `experts` it is a mixture of so many,
    `experts_used` of them active. One that `ranks` says how well a document answers a query instead
    of words. Raises ValueError for heads that do not divide.
    """
    if heads % kv_heads:
        raise ValueError(f"{heads} heads cannot share {kv_heads} key-value heads evenly")
    writer = GGUFWriter(path, MIXTURE if experts else ARCHITECTURE)
    writer.add_name(name)
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(experts_used)
        writer.add_expert_feed_forward_length(2 * hidden)
    writer.add_block_count(layers)
    writer.add_context_length(context)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(2 * hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    tokens = _add_tokenizer(writer)
    if ranks:
        writer.add_pooling_type(PoolingType.RANK)
        writer.add_classifier_output_labels(["yes", "no"])
        writer.add_string(RANK_TEMPLATE_KEY, RANK_TEMPLATE)
    random = np.random.Generator(np.random.PCG64(seed))
    for tensor_name, tensor in _tensors(random, tokens, layers, hidden, heads, kv_heads, experts):
        writer.add_tensor(tensor_name, tensor)
    if ranks:
        verdict = random.standard_normal((2, hidden)).astype(np.float32)
        writer.add_tensor("cls.output.weight", verdict)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(
    random: np.random.Generator,
    tokens: list[str],
    layers: int,
    hidden: int,
    heads: int,
    kv_heads: int,
    experts: int,
) -> Iterator[Tensor]:
    """All tensors by name, shape (out, in); of experts one after the other."""

    def weights(*shape: int) -> NDArray[np.float32]:
        return (random.standard_normal(shape) * _SPREAD).astype(np.float32)

    def ones(width: int) -> NDArray[np.float32]:
        return np.ones(width, dtype=np.float32)

    yield "token_embd.weight", weights(len(tokens), hidden)
    for layer in range(layers):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", ones(hidden)
        yield f"{block}.attn_q.weight", weights(heads * HEAD_DIM, hidden)
        yield f"{block}.attn_k.weight", weights(kv_heads * HEAD_DIM, hidden)
        yield f"{block}.attn_v.weight", weights(kv_heads * HEAD_DIM, hidden)
        yield f"{block}.attn_q_norm.weight", ones(HEAD_DIM)
        yield f"{block}.attn_k_norm.weight", ones(HEAD_DIM)
        yield f"{block}.attn_output.weight", weights(hidden, heads * HEAD_DIM)
        yield f"{block}.ffn_norm.weight", ones(hidden)
        if experts:
            yield f"{block}.ffn_gate_inp.weight", weights(experts, hidden)
        each, ending = ((experts,), "_exps") if experts else ((), "")
        yield f"{block}.ffn_gate{ending}.weight", weights(*each, 2 * hidden, hidden)
        yield f"{block}.ffn_up{ending}.weight", weights(*each, 2 * hidden, hidden)
        yield f"{block}.ffn_down{ending}.weight", weights(*each, hidden, 2 * hidden)
    yield "output_norm.weight", ones(hidden)
    words = {_SPACE + word for word in WORDS}
    is_word = np.array([[token in words] for token in tokens])
    yield (
        "output.weight",
        weights(len(tokens), hidden) * np.float32(_WORD_SPREAD / _SPREAD) * is_word,
    )


def _add_tokenizer(writer: GGUFWriter) -> list[str]:
    """Add a byte-level BPE tokenizer: one token a byte, a few merges, the chat's special tokens."""
    merges = _merges()
    tokens = [*_byte_symbols(), *(left + right for left, right in merges), *SPECIAL_TOKENS]
    normal = len(tokens) - len(SPECIAL_TOKENS)
    end_of_text, _, end_of_turn = range(normal, len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.NORMAL] * normal + [TokenType.CONTROL] * len(SPECIAL_TOKENS))
    writer.add_token_merges([f"{left} {right}" for left, right in merges])
    writer.add_eos_token_id(end_of_turn)
    writer.add_pad_token_id(end_of_text)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)
    return tokens


def _merges() -> list[tuple[str, str]]:
    """Pairs of tokens to join, in order: each word, after its space, grows letter by letter."""
    pairs: dict[tuple[str, str], None] = {}
    for word in WORDS:
        text = _SPACE + word
        pairs.update(((text[:end], text[end]), None) for end in range(1, len(text)))
    return list(pairs)


def _byte_symbols() -> list[str]:
    """The 256 characters that stand for bytes in byte-level BPE: printable bytes are themselves."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(0x100)]


def main() -> None:
    """Write one file, as the command line asks."""
    parser = argparse.ArgumentParser(description="Write a tiny GGUF model with random weights.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--context", type=int, default=8192)
    parser.add_argument("--name", default="tiny")
    options = parser.parse_args()
    write_tiny_gguf(
        options.path,
        seed=options.seed,
        layers=options.layers,
        hidden=options.hidden,
        context=options.context,
        name=options.name,
    )


if __name__ == "__main__":
    main()
