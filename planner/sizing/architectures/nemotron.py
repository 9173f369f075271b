"""Nemotron-H: one mixer a layer, Mamba-2 (M), attention (*), MLP (-) or latent experts (E)."""

from __future__ import annotations

from planner.sizing.architecture import Architecture, Layer, LayerKind, Role, Split, Tensor
from planner.sizing.architectures.parts import Config, Layers, attention, ends, linear, norm, whole


def _mamba(config: Config, hidden: int, at: Layers) -> tuple[list[Tensor], Layer]:
    heads, dim = whole(config, "mamba_num_heads"), whole(config, "mamba_head_dim")
    groups, state = whole(config, "n_groups", 8), whole(config, "ssm_state_size", 128)
    kernel, inner = whole(config, "conv_kernel", 4), heads * dim
    mixed = inner + 2 * groups * state
    role, name = Role.ATTENTION, "backbone.layers.{layer}.mixer"
    tensors = [
        *linear(
            f"{name}.in_proj", "ssm_in", inner + mixed + heads, hidden, role, at, split=Split.COLUMN
        ),
        Tensor(
            f"{name}.conv1d.weight", "ssm_conv1d", (mixed, kernel), Role.STATE, at, Split.COLUMN
        ),
        Tensor(f"{name}.conv1d.bias", "ssm_conv1d", (mixed,), Role.STATE, at, Split.COLUMN),
        Tensor(f"{name}.dt_bias", "ssm_dt", (heads,), Role.STATE, at),
        Tensor(f"{name}.A_log", "ssm_a", (heads,), Role.STATE, at),
        Tensor(f"{name}.D", "ssm_d", (heads,), Role.STATE, at),
        *norm(f"{name}.norm", "ssm_norm", inner, at),
        *linear(f"{name}.out_proj", "ssm_out", hidden, inner, role, at, split=Split.ROW),
    ]
    kept = Layer(
        LayerKind.LINEAR, 0, state_elements=heads * dim * state, conv_elements=(kernel - 1) * mixed
    )
    return tensors, kept


def _experts(config: Config, hidden: int, at: Layers) -> list[Tensor]:
    count, width = whole(config, "n_routed_experts"), whole(config, "moe_intermediate_size")
    latent, shared = (
        whole(config, "moe_latent_size", 0),
        whole(config, "moe_shared_expert_intermediate_size", 0),
    )
    into, name = latent or hidden, "backbone.layers.{layer}.mixer"
    found = [
        *linear(f"{name}.gate", "ffn_gate_inp", count, hidden, Role.ROUTER, at),
        *linear(
            f"{name}.experts.up",
            "ffn_up_exps",
            width,
            into,
            Role.EXPERT,
            at,
            split=Split.COLUMN,
            copies=count,
            fused="w13",
        ),
        *linear(
            f"{name}.experts.down",
            "ffn_down_exps",
            into,
            width,
            Role.EXPERT,
            at,
            split=Split.ROW,
            copies=count,
        ),
        *linear(
            f"{name}.shared.up",
            "ffn_up_shexp",
            shared,
            hidden,
            Role.SHARED_EXPERT,
            at,
            split=Split.COLUMN,
        ),
        *linear(
            f"{name}.shared.down",
            "ffn_down_shexp",
            hidden,
            shared,
            Role.SHARED_EXPERT,
            at,
            split=Split.ROW,
        ),
    ]
    if latent:
        found += linear(f"{name}.fc1_latent", "ffn_latent_down", latent, hidden, Role.MLP, at)
        found += linear(f"{name}.fc2_latent", "ffn_latent_up", hidden, latent, Role.MLP, at)
    return found


def nemotron_h(config: Config) -> Architecture:
    """Nemotron-H, Nemotron 3 Nano, Super and Ultra, by their ``hybrid_override_pattern``."""
    hidden, vocab = whole(config, "hidden_size"), whole(config, "vocab_size")
    pattern = str(config.get("hybrid_override_pattern"))
    every = tuple(range(len(pattern)))
    at = {letter: tuple(i for i in every if pattern[i] == letter) for letter in "M*-E"}
    heads, kv_heads = whole(config, "num_attention_heads"), whole(config, "num_key_value_heads")
    dim = whole(config, "head_dim", 128)
    mamba, kept = _mamba(config, hidden, at["M"])
    width = whole(config, "intermediate_size", 0)
    tensors = [
        *ends(hidden, vocab, tied=bool(config.get("tie_word_embeddings"))),
        *norm("backbone.layers.{layer}.norm", "attn_norm", hidden, every),
        *mamba,
        *attention(hidden, heads, kv_heads, dim, at["*"]),
    ]
    if at["E"]:
        tensors += _experts(config, hidden, at["E"])
    if at["-"]:
        tensors += linear("mlp.up", "ffn_up", width, hidden, Role.MLP, at["-"], split=Split.COLUMN)
        tensors += linear("mlp.down", "ffn_down", hidden, width, Role.MLP, at["-"], split=Split.ROW)
    full, none = Layer(LayerKind.FULL, kv_heads, dim, dim), Layer(LayerKind.STATELESS)
    layers = {"M": kept, "*": full, "-": none, "E": none}
    routed = whole(config, "n_routed_experts", 0) if at["E"] else 0
    return Architecture(
        "nemotron_h", hidden, vocab, heads, dim, tuple(layers[letter] for letter in pattern),
        tuple(tensors), intermediate=width if at["-"] else 0, experts=routed,
        experts_per_token=whole(config, "num_experts_per_tok", 0) if routed else 0,
        expert_width=whole(config, "moe_intermediate_size", 0) if routed else 0,
        max_position=whole(config, "max_position_embeddings", 0),
    )  # fmt: skip
