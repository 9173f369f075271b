"""Models: the configuration that sizing reads, and the counts it is checked against."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from planner.catalogue.figure import Figure, Source
from planner.catalogue.row import Row, open_row


class AttentionKind(StrEnum):
    """How the layers remember earlier tokens."""

    MHA = "mha"
    GQA = "gqa"
    MLA = "mla"
    SLIDING = "sliding"
    SLIDING_FULL = "sliding+full"
    HYBRID = "linear+full"
    ENCODER = "encoder"
    ENCODER_DECODER = "encoder-decoder"


class RopeKind(StrEnum):
    """How positions are encoded in the shipped configuration."""

    DEFAULT = "default"
    MROPE = "mrope"
    LINEAR = "linear"
    LLAMA3 = "llama3"
    YARN = "yarn"
    NONE = "none"


class Arch(NamedTuple):
    """The shape in one line. ``intermediate`` is None where every layer is made of experts."""

    layers: int
    encoder_layers: int | None
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int | None
    vocab: int
    tie_embeddings: bool
    max_position: int


class Moe(NamedTuple):
    """Mixture of experts. ``routed_params`` counts all experts of all layers."""

    experts: int
    experts_per_token: int
    intermediate: int
    shared_experts: int
    shared_intermediate: int
    dense_layers: int
    moe_layers: int
    routed_params: int
    note: str | None


class LinearAttention(NamedTuple):
    """Heads of the layers that keep a fixed state instead of a growing cache."""

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    conv_kernel: int


class Mla(NamedTuple):
    """The compressed cache of multi-head latent attention."""

    kv_lora_rank: int
    q_lora_rank: int | None
    qk_rope_head_dim: int
    qk_nope_head_dim: int
    v_head_dim: int


class Attention(NamedTuple):
    """Layers by kind. ``layer_types`` has one letter a layer: F full, S sliding, L linear."""

    kind: AttentionKind
    layers_full: int
    layers_sliding: int
    layers_linear: int
    window: int | None
    layer_types: str | None
    linear: LinearAttention | None
    mla: Mla | None
    output_gate: bool
    encoder_positions: int | None


class RopeExtension(NamedTuple):
    """Context beyond the native one; ``shipped`` when the published configuration turns it on."""

    factor: Decimal
    max_context: int
    original_context: int | None
    shipped: bool
    note: str | None


class Rope(NamedTuple):
    """Positions: ``native_context`` is what the model was trained for, in tokens."""

    kind: RopeKind
    native_context: int
    theta: int | None
    local_theta: int | None
    factor: Decimal | None
    original_context: int | None
    partial_rotary_factor: Decimal | None
    extension: RopeExtension | None


class PublishedTotal(NamedTuple):
    """The count that the publisher's files give; ``difference`` from ours has its reason."""

    total: int
    source: Source
    difference: int
    reason: str | None


class Params(NamedTuple):
    """Parameter counts; each tied tensor once, buffers not at all.

    ``active`` is what one token passes through, ``read_per_token`` what decoding one token reads
    from memory (without an untied input embedding: one row of it is gathered).
    """

    total: int
    embedding: int
    lm_head: int
    vision: int
    active: int | None
    read_per_token: int | None
    source: Source
    published: PublishedTotal


class Kv(NamedTuple):
    """Cache bytes of the whole model at 16 bits. None: does not apply.

    ``per_token`` grows for ever; models with sliding layers have ``full_per_token`` and
    ``sliding_per_token`` (which stops at ``sliding_tokens``) instead. State is per sequence.
    """

    per_token: int | None
    full_per_token: int | None
    sliding_per_token: int | None
    sliding_tokens: int | None
    per_token_without_window: int | None
    per_token_expanded: int | None
    state_fp32: int | None
    state_16bit: int | None
    self_per_token: int | None
    cross_per_window: int | None


class Weights(NamedTuple):
    """Bytes of the published checkpoint; ``quantization`` is the catalogue name it is stored in.

    ``payload`` is the size of the published tensors where a public source states it,
    ``payload_estimate`` the same computed from the published count.
    """

    quantization: str
    bytes: int
    bytes_bf16: int | None
    payload: Figure[int] | None
    payload_estimate: int | None


class Repackaged(NamedTuple):
    """A published checkpoint of the same weights in another format, with its size in bytes."""

    repository: str
    quantization: str
    bytes: Figure[int]


class GgufSize(NamedTuple):
    """A GGUF size that was found in public: tensor bytes, and the file where that was stated."""

    quantization: str
    tensor_bytes: int
    file_bytes: int | None
    source: Source
    note: str | None


class ModelFacts(NamedTuple):
    """One model. ``config`` holds the fields of its ``config.json`` that sizing needs."""

    id: str
    model_type: str
    architecture: str
    config: Mapping[str, Any]
    config_source: Source
    license: Figure[str]
    arch: Arch
    moe: Moe | None
    attention: Attention
    rope: Rope
    params: Params
    kv: Kv
    weights: Weights
    repackaged: tuple[Repackaged, ...]
    gguf: tuple[GgufSize, ...]
    note: str | None
    sources: tuple[Source, ...]


def hugging_face_config(model: ModelFacts) -> dict[str, Any]:
    """Return ``config`` with ``model_type`` and ``architectures``, as in a ``config.json``."""
    named = {"model_type": model.model_type, "architectures": [model.architecture]}
    return {**named, **model.config}


def parse_model(data: object, where: str) -> ModelFacts:
    """Turn a row of ``data/models`` into ModelFacts. Raises CatalogueError naming file and key."""
    row = open_row(data, where)
    moe = row.opt_row("moe")
    model = ModelFacts(
        id=row.text("id"),
        model_type=row.text("model_type"),
        architecture=row.text("architecture"),
        config=row.raw_mapping("config"),
        config_source=row.source("config_source"),
        license=row.need("license", row.text_figure("license")),
        arch=_arch(row.row("arch")),
        moe=_moe(moe) if moe else None,
        attention=_attention(row.row("attention")),
        rope=_rope(row.row("rope")),
        params=_params(row.row("params")),
        kv=_kv(row.row("kv_16bit")),
        weights=_weights(row.row("weights")),
        repackaged=tuple(_repackaged(item) for item in row.rows("repackaged")),
        gguf=tuple(_gguf(item) for item in row.rows("gguf")),
        note=row.opt_text("note"),
        sources=tuple(row.sources.values()),
    )
    row.done()
    return model


def _arch(row: Row) -> Arch:
    return Arch(
        layers=row.integer("layers"),
        encoder_layers=row.opt_integer("encoder_layers"),
        hidden=row.integer("hidden"),
        heads=row.integer("heads"),
        kv_heads=row.integer("kv_heads"),
        head_dim=row.integer("head_dim"),
        intermediate=row.opt_integer("intermediate"),
        vocab=row.integer("vocab"),
        tie_embeddings=row.flag("tie_embeddings"),
        max_position=row.integer("max_position"),
    )


def _moe(row: Row) -> Moe:
    return Moe(
        experts=row.integer("experts"),
        experts_per_token=row.integer("experts_per_token"),
        intermediate=row.integer("intermediate"),
        shared_experts=row.integer("shared_experts"),
        shared_intermediate=row.integer("shared_intermediate"),
        dense_layers=row.integer("dense_layers"),
        moe_layers=row.integer("moe_layers"),
        routed_params=row.integer("routed_params"),
        note=row.opt_text("note"),
    )


def _attention(row: Row) -> Attention:
    linear, mla = row.opt_row("linear"), row.opt_row("mla")
    return Attention(
        kind=row.choice("kind", AttentionKind),
        layers_full=row.opt_integer("layers_full") or 0,
        layers_sliding=row.opt_integer("layers_sliding") or 0,
        layers_linear=row.opt_integer("layers_linear") or 0,
        window=row.opt_integer("window"),
        layer_types=row.opt_text("layer_types"),
        linear=_linear(linear) if linear else None,
        mla=_mla(mla) if mla else None,
        output_gate=row.flag("output_gate", default=False),
        encoder_positions=row.opt_integer("encoder_positions"),
    )


def _linear(row: Row) -> LinearAttention:
    return LinearAttention(
        key_heads=row.integer("key_heads"),
        value_heads=row.integer("value_heads"),
        key_dim=row.integer("key_dim"),
        value_dim=row.integer("value_dim"),
        conv_kernel=row.integer("conv_kernel"),
    )


def _mla(row: Row) -> Mla:
    return Mla(
        kv_lora_rank=row.integer("kv_lora_rank"),
        q_lora_rank=row.opt_integer("q_lora_rank"),
        qk_rope_head_dim=row.integer("qk_rope_head_dim"),
        qk_nope_head_dim=row.integer("qk_nope_head_dim"),
        v_head_dim=row.integer("v_head_dim"),
    )


def _rope(row: Row) -> Rope:
    extension = row.opt_row("extension")
    return Rope(
        kind=row.choice("kind", RopeKind),
        native_context=row.integer("native_context"),
        theta=row.opt_integer("theta"),
        local_theta=row.opt_integer("local_theta"),
        factor=row.opt_number("factor"),
        original_context=row.opt_integer("original_context"),
        partial_rotary_factor=row.opt_number("partial_rotary_factor"),
        extension=_extension(extension) if extension else None,
    )


def _extension(row: Row) -> RopeExtension:
    return RopeExtension(
        factor=row.number("factor"),
        max_context=row.integer("max_context"),
        original_context=row.opt_integer("original_context"),
        shipped=row.flag("shipped", default=False),
        note=row.opt_text("note"),
    )


def _params(row: Row) -> Params:
    total = row.integer("total")
    published = row.row("published")
    return Params(
        total=total,
        embedding=row.integer("embedding"),
        lm_head=row.integer("lm_head"),
        vision=row.integer("vision"),
        active=row.opt_integer("active"),
        read_per_token=row.opt_integer("read_per_token"),
        source=row.source(),
        published=PublishedTotal(
            total=published.integer("total"),
            source=published.source(),
            difference=published.integer("total") - total,
            reason=published.opt_text("reason"),
        ),
    )


def _kv(row: Row) -> Kv:
    return Kv(
        per_token=row.opt_integer("per_token"),
        full_per_token=row.opt_integer("full_per_token"),
        sliding_per_token=row.opt_integer("sliding_per_token"),
        sliding_tokens=row.opt_integer("sliding_tokens"),
        per_token_without_window=row.opt_integer("per_token_without_window"),
        per_token_expanded=row.opt_integer("per_token_expanded"),
        state_fp32=row.opt_integer("state_fp32"),
        state_16bit=row.opt_integer("state_16bit"),
        self_per_token=row.opt_integer("self_per_token"),
        cross_per_window=row.opt_integer("cross_per_window"),
    )


def _weights(row: Row) -> Weights:
    return Weights(
        quantization=row.text("quantization"),
        bytes=row.integer("bytes"),
        bytes_bf16=row.opt_integer("bytes_bf16"),
        payload=row.figure("payload", int),
        payload_estimate=row.opt_integer("payload_estimate"),
    )


def _repackaged(row: Row) -> Repackaged:
    return Repackaged(
        repository=row.text("repository"),
        quantization=row.text("quantization"),
        bytes=row.need("bytes", row.figure("bytes", int)),
    )


def _gguf(row: Row) -> GgufSize:
    return GgufSize(
        quantization=row.text("quantization"),
        tensor_bytes=row.integer("tensor_bytes"),
        file_bytes=row.opt_integer("file_bytes"),
        source=row.source(),
        note=row.opt_text("note"),
    )
