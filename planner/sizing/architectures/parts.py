"""Building blocks shared by the architecture families: linears, norms, attention, MLP, experts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.sizing.architecture import (
    Layer,
    LayerKind,
    Role,
    Split,
    Tensor,
    UnknownArchitecture,
)

Config = Mapping[str, Any]
Layers = tuple[int, ...]


def whole(config: Config, key: str, default: int | None = None) -> int:
    """An integer field of a config. Raises UnknownArchitecture when it is missing."""
    value = config.get(key)
    if value is None:
        if default is None:
            raise UnknownArchitecture(f"its config lacks {key!r}")
        return default
    if isinstance(value, list):
        value = value[0]
    return int(value)


def norm(
    name: str, gguf: str, width: int, layers: Layers = (), *, bias: bool = False
) -> list[Tensor]:
    """A norm's weight, and its bias where it has one."""
    found = [Tensor(f"{name}.weight", gguf, (width,), Role.NORM, layers)]
    if bias:
        found.append(Tensor(f"{name}.bias", gguf, (width,), Role.BIAS, layers))
    return found


def linear(
    name: str,
    gguf: str,
    out: int,
    into: int,
    role: Role,
    layers: Layers = (),
    *,
    split: Split = Split.NONE,
    bias: bool = False,
    copies: int = 1,
    fused: str = "",
    granule: int = 1,
) -> list[Tensor]:
    """A linear layer's matrix (out, in), and its bias where it has one."""
    found = [
        Tensor(f"{name}.weight", gguf, (out, into), role, layers, split, copies, fused, granule)
    ]
    if bias:
        how = split if split in (Split.COLUMN, Split.KV) else Split.NONE
        found.append(
            Tensor(f"{name}.bias", gguf, (out,), Role.BIAS, layers, how, copies, "", granule)
        )
    return found


def attention(
    hidden: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    layers: Layers,
    *,
    qkv_bias: bool = False,
    output_bias: bool = False,
    qk_norm: bool = False,
    gated: bool = False,
) -> list[Tensor]:
    """Grouped-query attention: q, k, v, o. ``gated`` doubles q by an output gate."""
    at = "model.layers.{layer}.self_attn"
    query = heads * head_dim * (2 if gated else 1)
    found = linear(
        f"{at}.q_proj",
        "attn_q",
        query,
        hidden,
        Role.ATTENTION,
        layers,
        split=Split.COLUMN,
        bias=qkv_bias,
        fused="qkv_proj",
    )
    for letter in "kv":
        found += linear(
            f"{at}.{letter}_proj",
            f"attn_{letter}",
            kv_heads * head_dim,
            hidden,
            Role.ATTENTION,
            layers,
            split=Split.KV,
            bias=qkv_bias,
            fused="qkv_proj",
            granule=head_dim,
        )
    found += linear(
        f"{at}.o_proj",
        "attn_output",
        hidden,
        heads * head_dim,
        Role.ATTENTION,
        layers,
        split=Split.ROW,
        bias=output_bias,
    )
    if qk_norm:
        found += norm(f"{at}.q_norm", "attn_q_norm", head_dim, layers)
        found += norm(f"{at}.k_norm", "attn_k_norm", head_dim, layers)
    return found


def gated_mlp(hidden: int, width: int, layers: Layers) -> list[Tensor]:
    """Gate, up and down projections of a dense MLP."""
    at, role = "model.layers.{layer}.mlp", Role.MLP
    return [
        *linear(
            f"{at}.gate_proj",
            "ffn_gate",
            width,
            hidden,
            role,
            layers,
            split=Split.COLUMN,
            fused="gate_up_proj",
        ),
        *linear(
            f"{at}.up_proj",
            "ffn_up",
            width,
            hidden,
            role,
            layers,
            split=Split.COLUMN,
            fused="gate_up_proj",
        ),
        *linear(f"{at}.down_proj", "ffn_down", hidden, width, role, layers, split=Split.ROW),
    ]


def _expert(
    name: str, out: int, into: int, layers: Layers, split: Split, *, copies: int, bias: bool
) -> list[Tensor]:
    """One matrix of all experts of a layer; gate and up are merged by engines."""
    return linear(
        f"model.layers.{{layer}}.mlp.experts.{{expert}}.{name}_proj", f"ffn_{name}_exps", out, into,
        Role.EXPERT, layers, split=split, bias=bias, copies=copies,
        fused="w13" if split is Split.COLUMN else "",
    )  # fmt: skip


def experts(
    hidden: int, width: int, count: int, layers: Layers, *, bias: bool = False
) -> list[Tensor]:
    """A router and ``count`` gated experts."""
    router = "model.layers.{layer}.mlp.gate"
    return [
        *linear(router, "ffn_gate_inp", count, hidden, Role.ROUTER, layers, bias=bias),
        *_expert("gate", width, hidden, layers, Split.COLUMN, copies=count, bias=bias),
        *_expert("up", width, hidden, layers, Split.COLUMN, copies=count, bias=bias),
        *_expert("down", hidden, width, layers, Split.ROW, copies=count, bias=bias),
    ]


def shared_expert(hidden: int, width: int, layers: Layers) -> list[Tensor]:
    """The expert that every token passes."""
    at, role = "model.layers.{layer}.mlp.shared_experts", Role.SHARED_EXPERT
    return [
        *linear(
            f"{at}.gate_proj",
            "ffn_gate_shexp",
            width,
            hidden,
            role,
            layers,
            split=Split.COLUMN,
            fused="shared_gate_up",
        ),
        *linear(
            f"{at}.up_proj",
            "ffn_up_shexp",
            width,
            hidden,
            role,
            layers,
            split=Split.COLUMN,
            fused="shared_gate_up",
        ),
        *linear(f"{at}.down_proj", "ffn_down_shexp", hidden, width, role, layers, split=Split.ROW),
    ]


def ends(hidden: int, vocab: int, *, tied: bool) -> list[Tensor]:
    """Embedding, final norm, and the output matrix unless it is tied."""
    found = [
        Tensor(
            "model.embed_tokens.weight",
            "token_embd",
            (vocab, hidden),
            Role.EMBEDDING,
            (),
            Split.VOCABULARY,
        ),
        *norm("model.norm", "output_norm", hidden),
    ]
    if not tied:
        found.append(
            Tensor("lm_head.weight", "output", (vocab, hidden), Role.OUTPUT, (), Split.VOCABULARY)
        )
    return found


def rope_positions(config: Config, positions: int) -> int:
    """Rows of the rotary table: linear and YaRN scaling stretch it (vLLM builds it that long)."""
    scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
    if not isinstance(scaling, Mapping):
        return positions
    kind = scaling.get("rope_type") or scaling.get("type")
    factor = float(scaling.get("factor") or 1)
    if kind == "linear":
        return int(positions * factor)
    if kind in ("yarn", "deepseek_yarn"):
        return int(int(scaling.get("original_max_position_embeddings") or positions) * factor)
    return positions


def attention_layers(
    count: int, kv_heads: int, head_dim: int, sliding: frozenset[int], window: int
) -> tuple[Layer, ...]:
    """``count`` attention layers, those in ``sliding`` bounded by ``window``."""
    full = Layer(LayerKind.FULL, kv_heads, head_dim, head_dim)
    bounded = Layer(LayerKind.SLIDING, kv_heads, head_dim, head_dim, window)
    return tuple(bounded if index in sliding else full for index in range(count))


def sliding_layers(config: Config, count: int, default_pattern: int = 0) -> frozenset[int]:
    """Layers bounded by the window: from ``layer_types``, else every one but each Nth."""
    kinds = config.get("layer_types")
    if kinds:
        return frozenset(i for i, kind in enumerate(kinds) if str(kind).startswith("sliding"))
    pattern = whole(
        config, "sliding_window_pattern", whole(config, "_sliding_window_pattern", default_pattern)
    )
    if pattern <= 0:
        return frozenset()
    return frozenset(i for i in range(count) if (i + 1) % pattern)
