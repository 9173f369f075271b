"""Decoder-only transformers with grouped-query attention, dense or mixture of experts."""

from __future__ import annotations

from dataclasses import dataclass

from planner.sizing.architecture import Architecture, Role, Rope, Split, Tensor
from planner.sizing.architectures.parts import (
    Config,
    attention,
    attention_layers,
    ends,
    experts,
    gated_mlp,
    linear,
    norm,
    rope_positions,
    shared_expert,
    sliding_layers,
    whole,
)


@dataclass(frozen=True, slots=True)
class Style:
    """What tells one family of this kind from another."""

    family: str
    qkv_bias: bool | None = False
    output_bias: bool | None = False
    qk_norm: bool = False
    extra_norms: tuple[str, ...] = ()
    tied: bool = False
    fused: bool = False
    sliding_pattern: int = 0
    has_output: bool = True


LLAMA = Style("llama", qkv_bias=None, output_bias=None)
MISTRAL = Style("mistral")
MISTRAL_EMBEDDING = Style("mistral", has_output=False)
QWEN2 = Style("qwen2", qkv_bias=True)
QWEN3 = Style("qwen3", qkv_bias=None, output_bias=None, qk_norm=True)
QWEN3_EMBEDDING = Style("qwen3", qkv_bias=None, output_bias=None, qk_norm=True, has_output=False)
PHI3 = Style("phi3", fused=True)
GLM4 = Style("glm4", qkv_bias=None, extra_norms=("post_self_attn", "post_mlp"), fused=True)
GEMMA2 = Style("gemma2", extra_norms=("pre_ffn", "post_ffn"), tied=True, sliding_pattern=2)
GEMMA3 = Style(
    "gemma3", qk_norm=True, extra_norms=("pre_ffn", "post_ffn"), tied=True, sliding_pattern=6
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The fields every family of this kind reads alike."""

    hidden: int
    count: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    max_position: int


def sizes(config: Config) -> Sizes:
    """Read the common fields. ``head_dim`` is hidden / heads only where the config has none."""
    hidden, heads = whole(config, "hidden_size"), whole(config, "num_attention_heads")
    return Sizes(
        hidden,
        whole(config, "num_hidden_layers"),
        heads,
        whole(config, "num_key_value_heads", heads),
        whole(config, "head_dim", hidden // heads),
        whole(config, "vocab_size"),
        whole(config, "max_position_embeddings", 0),
    )


def _flag(config: Config, style: bool | None) -> bool:
    return bool(config.get("attention_bias")) if style is None else style


def _attention(config: Config, style: Style, size: Sizes, every: tuple[int, ...]) -> list[Tensor]:
    if not style.fused:
        return attention(
            size.hidden,
            size.heads,
            size.kv_heads,
            size.head_dim,
            every,
            qkv_bias=_flag(config, style.qkv_bias),
            output_bias=_flag(config, style.output_bias),
            qk_norm=style.qk_norm,
        )
    at = "model.layers.{layer}.self_attn"
    if style.family == "glm4":  # only its MLP is merged
        return attention(
            size.hidden,
            size.heads,
            size.kv_heads,
            size.head_dim,
            every,
            qkv_bias=_flag(config, style.qkv_bias),
        )
    query, cached = size.heads * size.head_dim, size.kv_heads * size.head_dim
    return [
        *linear(
            f"{at}.qkv_proj",
            "attn_qkv",
            query + 2 * cached,
            size.hidden,
            Role.ATTENTION,
            every,
            split=Split.COLUMN,
        ),
        *linear(
            f"{at}.o_proj",
            "attn_output",
            size.hidden,
            query,
            Role.ATTENTION,
            every,
            split=Split.ROW,
        ),
    ]


def _mlp(style: Style, hidden: int, width: int, layers: tuple[int, ...]) -> list[Tensor]:
    if not style.fused:
        return gated_mlp(hidden, width, layers)
    at = "model.layers.{layer}.mlp"
    return [
        *linear(
            f"{at}.gate_up_proj", "ffn_up", 2 * width, hidden, Role.MLP, layers, split=Split.COLUMN
        ),
        *linear(f"{at}.down_proj", "ffn_down", hidden, width, Role.MLP, layers, split=Split.ROW),
    ]


def _norms(style: Style, hidden: int, every: tuple[int, ...]) -> list[Tensor]:
    found = norm("model.layers.{layer}.input_layernorm", "attn_norm", hidden, every)
    found += norm("model.layers.{layer}.post_attention_layernorm", "ffn_norm", hidden, every)
    for name in style.extra_norms:
        found += norm(f"model.layers.{{layer}}.{name}_layernorm", f"{name}_norm", hidden, every)
    return found


def _ropes(config: Config, style: Style, size: Sizes) -> tuple[Rope, ...]:
    dim = int(size.head_dim * float(config.get("partial_rotary_factor") or 1))
    if style.family == "gemma3":  # a local table, and a global one stretched 8 times from 4b on
        factor = 8 if config.get("rope_scaling") or size.max_position > 32768 else 1
        return (Rope(size.max_position, dim), Rope(size.max_position * factor, dim))
    return (Rope(rope_positions(config, size.max_position), dim),)


def dense(config: Config, style: Style) -> Architecture:
    """Llama, Mistral, Qwen2, Qwen3, Phi-3/4, GLM-4, Gemma 2 and 3 (text), each by its style."""
    size = sizes(config)
    every = tuple(range(size.count))
    width = whole(config, "intermediate_size")
    tied = bool(config.get("tie_word_embeddings", style.tied))
    window = whole(config, "sliding_window", 0)
    if style.sliding_pattern or config.get("layer_types"):
        sliding = sliding_layers(config, size.count, style.sliding_pattern)
    else:
        bounded = bool(window) and style.family == "mistral"
        sliding = frozenset(every) if bounded else frozenset()
    return Architecture(
        style.family,
        size.hidden,
        size.vocab,
        size.heads,
        size.head_dim,
        attention_layers(size.count, size.kv_heads, size.head_dim, sliding, window),
        (
            *ends(size.hidden, size.vocab, tied=tied or not style.has_output),
            *_norms(style, size.hidden, every),
            *_attention(config, style, size, every),
            *_mlp(style, size.hidden, width, every),
        ),
        intermediate=width,
        tied=tied,
        headless=not style.has_output,
        max_position=size.max_position,
        ropes=_ropes(config, style, size),
    )


def mixture(config: Config, style: Style) -> Architecture:
    """Mixtral, Qwen3 MoE and GLM-4.5: some or all MLPs are routed experts."""
    size = sizes(config)
    every = tuple(range(size.count))
    count = whole(
        config,
        "num_experts",
        whole(config, "num_local_experts", whole(config, "n_routed_experts", 0)),
    )
    width = whole(config, "moe_intermediate_size", whole(config, "intermediate_size", 0))
    step = whole(config, "decoder_sparse_step", 1)
    plain = set(config.get("mlp_only_layers") or ()) | set(
        range(whole(config, "first_k_dense_replace", 0))
    )
    routed = tuple(i for i in every if i not in plain and (i + 1) % step == 0)
    rest = tuple(i for i in every if i not in routed)
    tied = bool(config.get("tie_word_embeddings", style.tied))
    shared = whole(config, "n_shared_experts", 0)
    dense_width = whole(config, "intermediate_size", 0) if rest else 0
    tensors = [
        *ends(size.hidden, size.vocab, tied=tied),
        *_norms(style, size.hidden, every),
        *_attention(config, style, size, every),
        *experts(size.hidden, width, count, routed),
    ]
    if rest:
        tensors += gated_mlp(size.hidden, dense_width, rest)
    if shared:
        tensors += shared_expert(size.hidden, shared * width, routed)
    return Architecture(
        style.family,
        size.hidden,
        size.vocab,
        size.heads,
        size.head_dim,
        attention_layers(size.count, size.kv_heads, size.head_dim, frozenset(), 0),
        tuple(tensors),
        intermediate=dense_width,
        experts=count,
        experts_per_token=whole(config, "num_experts_per_tok"),
        expert_width=width,
        tied=tied,
        max_position=size.max_position,
        ropes=_ropes(config, style, size),
    )


def glm4_moe(config: Config) -> Architecture:
    """GLM-4.5 and later: biases on q, k, v only, norms on q and k where the config asks."""
    style = Style("glm4_moe", qkv_bias=None, qk_norm=bool(config.get("use_qk_norm")))
    return mixture({"partial_rotary_factor": 0.5, **config}, style)


def gpt_oss(config: Config) -> Architecture:
    """gpt-oss: biased attention with sinks, biased fused experts, every other layer sliding."""
    size = sizes(config)
    every = tuple(range(size.count))
    width, count = whole(config, "intermediate_size"), whole(config, "num_local_experts")
    sliding = sliding_layers(config, size.count, 2)
    sinks = "model.layers.{layer}.self_attn.sinks"
    tensors = [
        *ends(size.hidden, size.vocab, tied=bool(config.get("tie_word_embeddings"))),
        *_norms(Style("gpt_oss"), size.hidden, every),
        *attention(
            size.hidden, size.heads, size.kv_heads, size.head_dim, every, qkv_bias=True,
            output_bias=True,
        ),
        Tensor(sinks, "attn_sinks", (size.heads,), Role.OTHER, every, Split.COLUMN),
        *experts(size.hidden, width, count, every, bias=True),
    ]  # fmt: skip
    return Architecture(
        "gpt_oss",
        size.hidden,
        size.vocab,
        size.heads,
        size.head_dim,
        attention_layers(
            size.count, size.kv_heads, size.head_dim, sliding, whole(config, "sliding_window")
        ),
        tuple(tensors),
        experts=count,
        experts_per_token=whole(config, "num_experts_per_tok", 4),
        expert_width=width,
        max_position=size.max_position,
        ropes=(Rope(size.max_position, size.head_dim),),
    )
