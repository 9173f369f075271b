"""Models without a text KV cache or with an encoder: BERT, XLM-RoBERTa, Whisper."""

from __future__ import annotations

from planner.sizing.architecture import Architecture, Layer, LayerKind, Role, Split, Tensor
from planner.sizing.architectures.parts import Config, Layers, linear, norm, whole


def _block(
    at: str, hidden: int, width: int, layers: Layers, *, key_bias: bool = True
) -> list[Tensor]:
    """One transformer block with biased projections and a two-matrix MLP."""
    role = Role.ATTENTION
    found: list[Tensor] = []
    for name in ("q", "k", "v"):
        found += linear(
            f"{at}.{name}",
            f"attn_{name}",
            hidden,
            hidden,
            role,
            layers,
            split=Split.COLUMN,
            bias=key_bias or name != "k",
            fused="qkv_proj",
        )
    found += linear(
        f"{at}.out", "attn_output", hidden, hidden, role, layers, split=Split.ROW, bias=True
    )
    found += linear(
        f"{at}.fc1", "ffn_up", width, hidden, Role.MLP, layers, split=Split.COLUMN, bias=True
    )
    found += linear(
        f"{at}.fc2", "ffn_down", hidden, width, Role.MLP, layers, split=Split.ROW, bias=True
    )
    found += norm(f"{at}.attention_norm", "attn_output_norm", hidden, layers, bias=True)
    found += norm(f"{at}.output_norm", "layer_output_norm", hidden, layers, bias=True)
    return found


def _table(name: str, gguf: str, rows: int, hidden: int) -> Tensor:
    return Tensor(name, gguf, (rows, hidden), Role.EMBEDDING, (), Split.VOCABULARY)


def encoder(config: Config, family: str, *, labels: int = 0) -> Architecture:
    """BERT and XLM-RoBERTa: a pooler, or a classification head of ``labels`` instead."""
    hidden, count = whole(config, "hidden_size"), whole(config, "num_hidden_layers")
    heads, vocab = whole(config, "num_attention_heads"), whole(config, "vocab_size")
    positions = whole(config, "max_position_embeddings", 512)
    tensors = [
        _table("embeddings.word", "token_embd", vocab, hidden),
        _table("embeddings.position", "position_embd", positions, hidden),
        _table("embeddings.token_type", "token_types", whole(config, "type_vocab_size", 2), hidden),
        *norm("embeddings.norm", "token_embd_norm", hidden, bias=True),
        *_block("encoder.{layer}", hidden, whole(config, "intermediate_size"), tuple(range(count))),
        *linear(
            "pooler" if not labels else "classifier", "cls", hidden, hidden, Role.OTHER, bias=True
        ),
    ]
    if labels:
        tensors += linear("classifier.out", "cls.output", labels, hidden, Role.OTHER, bias=True)
    layer = Layer(LayerKind.STATELESS)
    return Architecture(
        family,
        hidden,
        vocab,
        heads,
        hidden // heads,
        (layer,) * count,
        tuple(tensors),
        intermediate=whole(config, "intermediate_size"),
        tied=True,
        # RoBERTa counts positions from behind the padding token's index
        max_position=positions - 2 if family.startswith("xlm-roberta") else positions,
        causal=False,
    )


def reranker(config: Config, family: str) -> Architecture:
    """A cross-encoder: XLM-RoBERTa with a classification head."""
    return encoder(config, family, labels=whole(config, "num_labels", 1))


def whisper(config: Config) -> Architecture:
    """Whisper: an audio encoder, and a decoder that also attends to the encoded 30 s window."""
    hidden, vocab = whole(config, "d_model"), whole(config, "vocab_size")
    heads = whole(config, "decoder_attention_heads")
    inner = tuple(range(whole(config, "encoder_layers")))
    outer = tuple(range(whole(config, "decoder_layers")))
    frames = whole(config, "max_source_positions", 1500)
    mels = whole(config, "num_mel_bins", 80)
    width = whole(config, "decoder_ffn_dim")
    cross = [
        t
        for t in _block("decoder.{layer}.cross", hidden, width, outer, key_bias=False)
        if ".fc" not in t.name and "output_norm" not in t.name
    ]
    tensors = [
        Tensor("encoder.conv1.weight", "conv1", (hidden, mels * 3), Role.OTHER),
        Tensor("encoder.conv2.weight", "conv2", (hidden, hidden * 3), Role.OTHER),
        Tensor("encoder.conv1.bias", "conv1", (hidden,), Role.BIAS),
        Tensor("encoder.conv2.bias", "conv2", (hidden,), Role.BIAS),
        _table("encoder.positions", "position_embd", frames, hidden),
        *_block("encoder.{layer}", hidden, whole(config, "encoder_ffn_dim"), inner, key_bias=False),
        *norm("encoder.norm", "output_norm", hidden, bias=True),
        _table("decoder.embed_tokens", "token_embd", vocab, hidden),
        _table(
            "decoder.positions", "position_embd", whole(config, "max_target_positions", 448), hidden
        ),
        *_block("decoder.{layer}", hidden, width, outer, key_bias=False),
        *cross,
        *norm("decoder.norm", "output_norm", hidden, bias=True),
    ]
    dim = hidden // heads
    kept = Layer(
        LayerKind.FULL, heads, dim, dim, state_elements=0, conv_elements=2 * frames * hidden
    )
    return Architecture(
        "whisper",
        hidden,
        vocab,
        heads,
        dim,
        (kept,) * len(outer),
        tuple(tensors),
        intermediate=width,
        tied=True,
        max_position=whole(config, "max_target_positions", 448),
    )
