"""Multi-head latent attention: DeepSeek V2, V3, R1 and the models built like them (Kimi K2)."""

from __future__ import annotations

from planner.sizing.architecture import Architecture, Layer, LayerKind, Role, Rope, Split, Tensor
from planner.sizing.architectures.parts import (
    Config,
    ends,
    experts,
    gated_mlp,
    linear,
    norm,
    rope_positions,
    shared_expert,
    whole,
)


def _attention(config: Config, hidden: int, heads: int, every: tuple[int, ...]) -> list[Tensor]:
    at, role = "model.layers.{layer}.self_attn", Role.ATTENTION
    latent, rotary = whole(config, "kv_lora_rank"), whole(config, "qk_rope_head_dim")
    nope, value = whole(config, "qk_nope_head_dim"), whole(config, "v_head_dim")
    query_rank = whole(config, "q_lora_rank", 0)
    found: list[Tensor] = []
    if query_rank:
        found += linear(f"{at}.q_a_proj", "attn_q_a", query_rank, hidden, role, every)
        found += norm(f"{at}.q_a_layernorm", "attn_q_a_norm", query_rank, every)
        found += linear(
            f"{at}.q_b_proj",
            "attn_q_b",
            heads * (nope + rotary),
            query_rank,
            role,
            every,
            split=Split.COLUMN,
        )
    else:
        found += linear(
            f"{at}.q_proj",
            "attn_q",
            heads * (nope + rotary),
            hidden,
            role,
            every,
            split=Split.COLUMN,
        )
    found += linear(
        f"{at}.kv_a_proj_with_mqa", "attn_kv_a_mqa", latent + rotary, hidden, role, every
    )
    found += norm(f"{at}.kv_a_layernorm", "attn_kv_a_norm", latent, every)
    found += linear(
        f"{at}.kv_b_proj",
        "attn_kv_b",
        heads * (nope + value),
        latent,
        role,
        every,
        split=Split.COLUMN,
    )
    found += linear(
        f"{at}.o_proj", "attn_output", hidden, heads * value, role, every, split=Split.ROW
    )
    return found


def latent(config: Config, family: str) -> Architecture:
    """A model of the DeepSeek kind. The KV cache keeps the latent and the rotary key, no V."""
    hidden, heads = whole(config, "hidden_size"), whole(config, "num_attention_heads")
    count, vocab = whole(config, "num_hidden_layers"), whole(config, "vocab_size")
    every = tuple(range(count))
    routed_experts = whole(config, "n_routed_experts", 0)
    first = whole(config, "first_k_dense_replace", 0) if routed_experts else count
    width = whole(config, "moe_intermediate_size", 0)
    dense, routed = every[:first], every[first:]
    positions, rotary = (
        whole(config, "max_position_embeddings", 0),
        whole(config, "qk_rope_head_dim"),
    )
    cached = whole(config, "kv_lora_rank") + rotary
    tensors = [
        *ends(hidden, vocab, tied=bool(config.get("tie_word_embeddings"))),
        *norm("model.layers.{layer}.input_layernorm", "attn_norm", hidden, every),
        *norm("model.layers.{layer}.post_attention_layernorm", "ffn_norm", hidden, every),
        *_attention(config, hidden, heads, every),
    ]
    if dense:
        tensors += gated_mlp(hidden, whole(config, "intermediate_size"), dense)
    if routed:
        tensors += experts(hidden, width, routed_experts, routed)
        tensors += shared_expert(hidden, width * whole(config, "n_shared_experts", 0), routed)
    return Architecture(
        family,
        hidden,
        vocab,
        heads,
        whole(config, "v_head_dim"),
        tuple(Layer(LayerKind.LATENT, 1, cached, 0) for _ in every),
        tuple(tensors),
        intermediate=whole(config, "intermediate_size") if dense else 0,
        experts=routed_experts,
        experts_per_token=whole(config, "num_experts_per_tok", 0),
        expert_width=width,
        max_position=positions,
        ropes=(Rope(rope_positions(config, positions), rotary),),
        latent_heads=heads,
        latent_nope_dim=whole(config, "qk_nope_head_dim"),
        latent_value_dim=whole(config, "v_head_dim"),
    )
