"""Qwen3-Next and Qwen3.5: three gated delta net layers, then one of gated full attention."""

from __future__ import annotations

from dataclasses import replace

from planner.sizing.architecture import Architecture, Layer, LayerKind, Role, Rope, Split, Tensor
from planner.sizing.architectures import vision
from planner.sizing.architectures.decoder import Sizes, sizes
from planner.sizing.architectures.parts import (
    Config,
    Layers,
    attention,
    ends,
    experts,
    gated_mlp,
    linear,
    norm,
    shared_expert,
    whole,
)


def _linear_layers(config: Config, count: int) -> Layers:
    kinds = config.get("layer_types")
    if kinds:
        return tuple(i for i, kind in enumerate(kinds) if str(kind).startswith("linear"))
    every = whole(config, "full_attention_interval", 4)
    return tuple(i for i in range(count) if (i + 1) % every)


def _delta_net(config: Config, hidden: int, at_layers: Layers) -> tuple[list[Tensor], Layer]:
    """The tensors of gated delta net layers, and what such a layer keeps per sequence."""
    key_heads, value_heads = (
        whole(config, "linear_num_key_heads"),
        whole(config, "linear_num_value_heads"),
    )
    key_dim, value_dim = (
        whole(config, "linear_key_head_dim"),
        whole(config, "linear_value_head_dim"),
    )
    kernel = whole(config, "linear_conv_kernel_dim", 4)
    keys, values = key_heads * key_dim, value_heads * value_dim
    mixed = 2 * keys + values
    at, role = "model.layers.{layer}.linear_attn", Role.ATTENTION
    tensors = [
        *linear(
            f"{at}.in_proj_qkv",
            "attn_qkv",
            mixed,
            hidden,
            role,
            at_layers,
            split=Split.COLUMN,
            fused="in_proj_qkvz",
        ),
        *linear(
            f"{at}.in_proj_z",
            "attn_gate",
            values,
            hidden,
            role,
            at_layers,
            split=Split.COLUMN,
            fused="in_proj_qkvz",
        ),
        *linear(
            f"{at}.in_proj_b",
            "ssm_beta",
            value_heads,
            hidden,
            role,
            at_layers,
            split=Split.COLUMN,
            fused="in_proj_ba",
        ),
        *linear(
            f"{at}.in_proj_a",
            "ssm_alpha",
            value_heads,
            hidden,
            role,
            at_layers,
            split=Split.COLUMN,
            fused="in_proj_ba",
        ),
        Tensor(
            f"{at}.conv1d.weight",
            "ssm_conv1d",
            (mixed, kernel),
            Role.STATE,
            at_layers,
            Split.COLUMN,
        ),
        Tensor(f"{at}.dt_bias", "ssm_dt", (value_heads,), Role.STATE, at_layers, Split.COLUMN),
        Tensor(f"{at}.A_log", "ssm_a", (value_heads,), Role.STATE, at_layers, Split.COLUMN),
        *norm(f"{at}.norm", "ssm_norm", value_dim, at_layers),
        *linear(f"{at}.out_proj", "ssm_out", hidden, values, role, at_layers, split=Split.ROW),
    ]
    kept = Layer(
        LayerKind.LINEAR,
        value_heads,
        key_dim,
        value_dim,
        state_elements=value_heads * key_dim * value_dim,
        conv_elements=(kernel - 1) * mixed,
    )
    return tensors, kept


def _mlp(config: Config, hidden: int, every: Layers) -> list[Tensor]:
    count = whole(config, "num_experts", 0)
    if not count:
        return gated_mlp(hidden, whole(config, "intermediate_size"), every)
    width = whole(config, "moe_intermediate_size")
    shared = whole(config, "shared_expert_intermediate_size", 0)
    return [
        *experts(hidden, width, count, every),
        *shared_expert(hidden, shared, every),
        *linear(
            "model.layers.{layer}.mlp.shared_expert_gate",
            "ffn_gate_inp_shexp",
            1,
            hidden,
            Role.ROUTER,
            every,
        ),
    ]


def text(config: Config, family: str) -> Architecture:
    """The language model: hybrid attention, dense or mixture of experts."""
    size: Sizes = sizes(config)
    every = tuple(range(size.count))
    at_linear = _linear_layers(config, size.count)
    at_full = tuple(i for i in every if i not in set(at_linear))
    tied = bool(config.get("tie_word_embeddings"))
    delta, kept = _delta_net(config, size.hidden, at_linear)
    experts_count = whole(config, "num_experts", 0)
    full = Layer(LayerKind.FULL, size.kv_heads, size.head_dim, size.head_dim)
    linear_set = set(at_linear)
    rotary = int(size.head_dim * float(config.get("partial_rotary_factor") or 0.25))
    return Architecture(
        family,
        size.hidden,
        size.vocab,
        size.heads,
        size.head_dim,
        tuple(kept if i in linear_set else full for i in every),
        (
            *ends(size.hidden, size.vocab, tied=tied),
            *norm("model.layers.{layer}.input_layernorm", "attn_norm", size.hidden, every),
            *norm(
                "model.layers.{layer}.post_attention_layernorm",
                "post_attention_norm",
                size.hidden,
                every,
            ),
            *attention(
                size.hidden,
                size.heads,
                size.kv_heads,
                size.head_dim,
                at_full,
                qk_norm=True,
                gated=True,
            ),
            *delta,
            *_mlp(config, size.hidden, every),
        ),
        tied=tied,
        max_position=size.max_position,
        ropes=(Rope(size.max_position, rotary),),
        intermediate=0 if experts_count else whole(config, "intermediate_size"),
        experts=experts_count,
        experts_per_token=whole(config, "num_experts_per_tok", 0),
        expert_width=whole(config, "moe_intermediate_size", 0),
    )


def with_vision(config: Config, family: str) -> Architecture:
    """Qwen3.5: the hybrid language model with its image encoder."""
    inner = {"tie_word_embeddings": config.get("tie_word_embeddings"), **config["text_config"]}
    base = text(inner, family)
    seen = config.get("vision_config")
    if not seen:
        return base
    return replace(
        base, tensors=base.tensors + vision.qwen3(seen, base.hidden), vision_tokens=16384
    )
