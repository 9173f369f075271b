"""KV cache and state per layer kind, as engines lay them out. Pure arithmetic over Layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from planner.sizing.architecture import Architecture, Layer, LayerKind
from planner.units import ceil_div, round_up

# bytes per element; llama.cpp's block types carry their scales
ELEMENT_BYTES: Final[dict[str, Fraction]] = {
    "f32": Fraction(4),
    "f16": Fraction(2),
    "bf16": Fraction(2),
    "fp8": Fraction(1),
    "int8": Fraction(1),
    # vLLM for DeepSeek: of 576 elements 512 in 8 bit with 4 scales in f32, 64 in 16 bit
    "fp8_ds_mla": Fraction(656, 576),
    "q8_0": Fraction(34, 32),
    "q6_0": Fraction(26, 32),
    "q5_1": Fraction(24, 32),
    "q5_0": Fraction(22, 32),
    "q4_1": Fraction(20, 32),
    "q4_0": Fraction(18, 32),
    "iq4_nl": Fraction(18, 32),
}
_NAMES: Final = {
    "auto": "f16",
    "float16": "f16",
    "fp16": "f16",
    "half": "f16",
    "bfloat16": "bf16",
    "float32": "f32",
    "fp32": "f32",
    "fp8_e4m3": "fp8",
    "fp8_e5m2": "fp8",
    "q8": "q8_0",
    "q4": "q4_0",
    "q8_kv": "q8_0",
}


_GGML_ONLY: Final = frozenset({"q8_0", "q6_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl", "f32"})
_PAGED_ONLY: Final = frozenset({"fp8", "int8", "fp8_ds_mla"})


class UnknownKvType(ValueError):
    """The text names no type that a KV cache can have."""


@dataclass(frozen=True, slots=True)
class KvTypes:
    """Types of K and V, and their bytes per element."""

    key: str
    value: str

    @property
    def key_bytes(self) -> Fraction:
        """Bytes per element of K."""
        return ELEMENT_BYTES[self.key]

    @property
    def value_bytes(self) -> Fraction:
        """Bytes per element of V."""
        return ELEMENT_BYTES[self.value]

    def __str__(self) -> str:
        return self.key if self.key == self.value else f"{self.key}/{self.value}"


def parse_kv_types(text: str | None, *, gguf: bool | None = None) -> KvTypes:
    """``auto``, ``fp8``, ``q8_0`` or ``q8_0,f16`` (K, then V).

    ``gguf`` says whether the engine is of the llama.cpp family; None accepts both families'
    types. Raises UnknownKvType.
    """
    parts = [part.strip().lower() for part in (text or "auto").split(",")]
    named = [_NAMES.get(part, part) for part in parts]
    for name, part in zip(named, parts, strict=True):
        if name not in ELEMENT_BYTES:
            raise UnknownKvType(
                f"{part!r} is no KV cache type: write auto, bf16, f16, fp8, q8_0, q5_1, q5_0, "
                "q4_1, q4_0, or two of them for K and V as in q8_0,f16"
            )
    if len(named) > 2:
        raise UnknownKvType(f"{text!r} names more than two types: one for K, one for V")
    foreign = set(named) & (_PAGED_ONLY if gguf else _GGML_ONLY)
    if gguf is not None and foreign:
        own = "f16, q8_0 or q4_0" if gguf else "auto, bf16 or fp8"
        raise UnknownKvType(f"this engine has no {min(foreign)} KV cache: write {own}")
    return KvTypes(named[0], named[-1])


@lru_cache(maxsize=4096)  # a model's layers are alike, and every size of it asks for each
def token_bytes(layer: Layer, types: KvTypes, ranks: int = 1) -> Fraction:
    """Bytes one token takes in one layer on one rank. MLA's latent is whole on every rank."""
    if layer.kind in (LayerKind.LINEAR, LayerKind.STATELESS):
        return Fraction(0)
    if layer.kind is LayerKind.LATENT:
        return layer.key_width * types.key_bytes
    heads = max(1, ceil_div(layer.kv_heads, ranks)) if layer.kv_heads else 0
    return heads * (layer.key_dim * types.key_bytes + layer.value_dim * types.value_bytes)


def bytes_per_token(architecture: Architecture, types: KvTypes) -> int:
    """Bytes by which the whole model's cache grows with each token of a long sequence.

    Layers with a window stop growing and count only when every layer has one.
    """
    growing = [x for x in architecture.layers if x.kind in (LayerKind.FULL, LayerKind.LATENT)]
    counted = growing or list(architecture.layers_of(LayerKind.SLIDING))
    return int(sum(token_bytes(layer, types) for layer in counted))


def sequence_bytes(architecture: Architecture, types: KvTypes, tokens: int) -> int:
    """Bytes that one sequence of ``tokens`` needs at least: windows capped, states included."""
    total = Fraction(0)
    for layer in architecture.layers:
        kept = min(tokens, layer.window) if layer.kind is LayerKind.SLIDING else tokens
        total += token_bytes(layer, types) * kept
    return int(total) + state_bytes(architecture, state_width=4, conv_width=2)


def state_bytes(architecture: Architecture, *, state_width: int, conv_width: int) -> int:
    """Recurrent state of one sequence over all layers, independent of its length."""
    return sum(
        layer.state_elements * state_width + layer.conv_elements * conv_width
        for layer in architecture.layers
        if layer.kind is LayerKind.LINEAR
    )


@dataclass(frozen=True, slots=True)
class PagedPool:
    """What a vLLM pool of blocks holds. ``blocks`` of ``block_bytes`` on one rank."""

    blocks: int
    block_bytes: int
    block_tokens: int
    tokens: int
    longest: int


def paged_pool(
    architecture: Architecture,
    layers: tuple[Layer, ...],
    types: KvTypes,
    *,
    pool: int,
    ranks: int,
    context: int,
    batch: int,
) -> PagedPool | None:
    """How vLLM cuts a pool of ``pool`` bytes into blocks, and how many tokens that is.

    Layers of one kind form groups of equal size (the smallest kind's count), one block serves one
    group, and short groups are padded. Linear layers keep one page of state per sequence; the
    attention block grows until its page covers that state (hybrid manager, vLLM >= 0.11).
    """
    kinds: dict[tuple[LayerKind, int], list[Layer]] = {}
    for layer in layers:
        if layer.kind is not LayerKind.STATELESS:
            kinds.setdefault((layer.kind, layer.window), []).append(layer)
    cached = {key: found for key, found in kinds.items() if key[0] is not LayerKind.LINEAR}
    if not cached or pool <= 0:
        return None
    per_token = max(token_bytes(found[0], types, ranks) for found in cached.values())
    linear = next((f for key, f in kinds.items() if key[0] is LayerKind.LINEAR), [])
    block = 16
    if linear:
        state = (linear[0].state_elements * 4 + linear[0].conv_elements * 2) // ranks
        block = round_up(ceil_div(state, int(per_token) or 1), 16)
    size = min(len(found) for found in kinds.values())
    page = int(per_token * block)
    block_bytes = page * size
    blocks = pool // block_bytes
    groups = {key: ceil_div(len(found), size) for key, found in kinds.items()}

    def need(tokens: int) -> int:
        """Blocks of one sequence."""
        total = 0
        for (kind, window), count in groups.items():
            if kind is LayerKind.LINEAR:
                each = 1
            elif kind is LayerKind.SLIDING:
                each = min(
                    ceil_div(min(window - 1 + batch, tokens), block) + 1, ceil_div(tokens, block)
                )
            else:
                each = ceil_div(tokens, block)
            total += each * count
        return total

    per_request = max(1, need(context))
    longest = _longest(need, blocks, architecture.max_position or context)
    return PagedPool(blocks, block_bytes, block, int(blocks * context / per_request), longest)


def _longest(need: Callable[[int], int], blocks: int, limit: int) -> int:
    """The longest sequence whose blocks fit, by bisection."""
    low, high = 0, max(limit, 1) * 64
    while low < high:
        middle = (low + high + 1) // 2
        if need(middle) <= blocks:
            low = middle
        else:
            high = middle - 1
    return low
