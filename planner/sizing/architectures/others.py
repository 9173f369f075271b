"""Variants of the decoder and latent families with a part of their own."""

from __future__ import annotations

from dataclasses import replace

from planner.sizing.architecture import Architecture, LayerKind, Role, Tensor
from planner.sizing.architectures import decoder, latent
from planner.sizing.architectures.parts import (
    Config,
    experts,
    gated_mlp,
    linear,
    norm,
    shared_expert,
    whole,
)


def minimax_m2(config: Config) -> Architecture:
    """MiniMax M2: norms over the whole width of q and k."""
    base = decoder.mixture(config, decoder.Style("minimax_m2"))
    every = tuple(range(len(base.layers)))
    kept = base.layers[0]
    extra = [
        *norm(
            "model.layers.{layer}.self_attn.q_norm",
            "attn_q_norm",
            base.heads * base.head_dim,
            every,
        ),
        *norm("model.layers.{layer}.self_attn.k_norm", "attn_k_norm", kept.key_width, every),
    ]
    return replace(base, tensors=(*base.tensors, *extra))


def glm_dsa(config: Config) -> Architecture:
    """GLM-5: latent attention with a lightning indexer on every layer."""
    base = latent.latent(config, "glm_moe_dsa")
    every = tuple(range(len(base.layers)))
    heads, dim = whole(config, "index_n_heads"), whole(config, "index_head_dim")
    at = "model.layers.{layer}.self_attn.indexer"
    extra = [
        *linear(
            f"{at}.wq_b",
            "indexer.attn_q_b",
            heads * dim,
            whole(config, "q_lora_rank"),
            Role.ATTENTION,
            every,
        ),
        *linear(f"{at}.wk", "indexer.attn_k", dim, base.hidden, Role.ATTENTION, every),
        *norm(f"{at}.k_norm", "indexer.k_norm", dim, every, bias=True),
        *linear(f"{at}.weights_proj", "indexer.proj", heads, base.hidden, Role.ATTENTION, every),
    ]
    return replace(base, tensors=(*base.tensors, *extra))


def llama4(config: Config) -> Architecture:
    """Llama 4 (text): chunked attention on three of four layers, one routed expert a token."""
    size = decoder.sizes(config)
    every = tuple(range(size.count))
    step, width = whole(config, "interleave_moe_layer_step", 1), whole(config, "intermediate_size")
    routed = tuple(i for i in every if (i + 1) % step == 0)
    rest = tuple(i for i in every if i not in set(routed))
    plain = decoder.dense({**config, "intermediate_size": 1}, decoder.Style("llama4"))
    kept = tuple(t for t in plain.tensors if t.role is not Role.MLP)
    count, dense = whole(config, "num_local_experts"), whole(config, "intermediate_size_mlp", 0)
    chunk = whole(config, "attention_chunk_size", 8192)
    bounded = replace(plain.layers[0], kind=LayerKind.SLIDING, window=chunk)
    found: list[Tensor] = [
        *experts(size.hidden, width, count, routed),
        *shared_expert(size.hidden, width, routed),
    ]
    if rest:
        found += gated_mlp(size.hidden, dense, rest)
    return replace(
        plain, tensors=(*kept, *found), intermediate=dense if rest else 0, experts=count,
        experts_per_token=whole(config, "num_experts_per_tok", 1), expert_width=width,
        layers=tuple(plain.layers[0] if (i + 1) % 4 == 0 else bounded for i in every),
    )  # fmt: skip
