"""Gemma 4: sliding layers beside global ones of another head size, dense MLP with experts."""

from __future__ import annotations

from planner.sizing.architecture import Architecture, Layer, LayerKind, Role, Rope, Split, Tensor
from planner.sizing.architectures.parts import (
    Config,
    Layers,
    ends,
    experts,
    gated_mlp,
    linear,
    norm,
    whole,
)

_NORMS = ("attn_norm", "attn_post_norm", "ffn_norm", "ffn_post_norm")
_MOE_NORMS = ("ffn_post_norm_1", "ffn_pre_norm_2", "ffn_post_norm_2")


def _attention(
    config: Config, hidden: int, at_layers: Layers, kv_heads: int, dim: int, *, value: bool
) -> list[Tensor]:
    at, role = "model.layers.{layer}.self_attn", Role.ATTENTION
    query = whole(config, "num_attention_heads") * dim
    key = kv_heads * dim
    found = linear(
        f"{at}.q_proj", "attn_q", query, hidden, role, at_layers, split=Split.COLUMN, fused="qkv"
    )
    found += linear(
        f"{at}.k_proj", "attn_k", key, hidden, role, at_layers, split=Split.KV, fused="qkv",
        granule=dim,
    )  # fmt: skip
    if value:  # global layers reuse the key as value
        found += linear(
            f"{at}.v_proj", "attn_v", key, hidden, role, at_layers, split=Split.KV, fused="qkv",
            granule=dim,
        )  # fmt: skip
    found += linear(f"{at}.o_proj", "attn_output", hidden, query, role, at_layers, split=Split.ROW)
    found += norm(f"{at}.q_norm", "attn_q_norm", dim, at_layers)
    found += norm(f"{at}.k_norm", "attn_k_norm", dim, at_layers)
    return found


def _experts(config: Config, hidden: int, every: Layers) -> list[Tensor]:
    count, width = whole(config, "num_experts", 0), whole(config, "moe_intermediate_size", 0)
    if not count:
        return []
    found = experts(hidden, width, count, every)
    found.append(Tensor("router.scale", "ffn_gate_inp_s", (hidden,), Role.NORM, every))
    found.append(Tensor("router.per_expert_scale", "ffn_down_exps_s", (count,), Role.NORM, every))
    for name in _MOE_NORMS:
        found += norm(f"model.layers.{{layer}}.{name}", name, hidden, every)
    return found


def text(config: Config) -> Architecture:
    """The language model."""
    hidden, count = whole(config, "hidden_size"), whole(config, "num_hidden_layers")
    every = tuple(range(count))
    kinds = config.get("layer_types") or ["full" if (i + 1) % 6 == 0 else "sliding" for i in every]
    bounded = tuple(i for i in every if str(kinds[i]).startswith("sliding"))
    unbounded = tuple(i for i in every if i not in set(bounded))
    local_heads, local_dim = whole(config, "num_key_value_heads"), whole(config, "head_dim", 256)
    heads = whole(config, "num_global_key_value_heads", local_heads)
    dim = whole(config, "global_head_dim", local_dim)
    shared = bool(config.get("attention_k_eq_v"))
    positions = whole(config, "max_position_embeddings", 0)
    window = whole(config, "sliding_window", 1024)
    local = Layer(LayerKind.SLIDING, local_heads, local_dim, local_dim, window)
    full = Layer(LayerKind.FULL, heads, dim, dim)
    tensors = [
        *ends(hidden, whole(config, "vocab_size"), tied=True),
        *_attention(config, hidden, bounded, local_heads, local_dim, value=True),
        *_attention(config, hidden, unbounded, heads, dim, value=not shared),
        *gated_mlp(hidden, whole(config, "intermediate_size"), every),
        *_experts(config, hidden, every),
        Tensor("layer_scalar", "layer_output_scale", (1,), Role.BUFFER, every),
    ]
    for name in _NORMS:
        tensors += norm(f"model.layers.{{layer}}.{name}", name, hidden, every)
    return Architecture(
        "gemma4", hidden, whole(config, "vocab_size"), whole(config, "num_attention_heads"), dim,
        tuple(local if i in set(bounded) else full for i in every), tuple(tensors),
        intermediate=whole(config, "intermediate_size"), experts=whole(config, "num_experts", 0),
        experts_per_token=whole(config, "top_k_experts", 0),
        expert_width=whole(config, "moe_intermediate_size", 0), tied=True, max_position=positions,
        ropes=(Rope(positions, local_dim), Rope(positions, dim)),
    )  # fmt: skip


def vision(config: Config, text_hidden: int) -> tuple[Tensor, ...]:
    """The image encoder with gated MLPs and its projector."""
    hidden, every = (
        whole(config, "hidden_size", 1152),
        tuple(range(whole(config, "num_hidden_layers", 27))),
    )
    width, patch = whole(config, "intermediate_size", 4304), whole(config, "patch_size", 16)
    found = [
        Tensor("vision.patch_embedder", "v", (hidden, 3 * patch * patch), Role.VISION),
        Tensor(
            "vision.positions",
            "v",
            (2 * whole(config, "position_embedding_size", 10240), hidden),
            Role.VISION,
        ),
        Tensor("projector", "v", (text_hidden, hidden), Role.VISION),
    ]
    for name, out, into in (
        ("q", hidden, hidden), ("k", hidden, hidden), ("v", hidden, hidden), ("o", hidden, hidden),
        ("gate", width, hidden), ("up", width, hidden), ("down", hidden, width),
    ):  # fmt: skip
        found.append(Tensor(f"vision.{{layer}}.{name}", "v", (out, into), Role.VISION, every))
    found.append(Tensor("vision.{layer}.norms", "v", (4 * hidden,), Role.VISION, every))
    head = hidden // whole(config, "num_attention_heads", 16)
    found.append(Tensor("vision.{layer}.qk_norms", "v", (2 * head,), Role.VISION, every))
    return tuple(found)
