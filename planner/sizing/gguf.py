"""Which type llama.cpp's quantizer gives each tensor of a preset, and what that weighs.

The rules are those of llama.cpp src/llama-quant.cpp (commit 007dbbf) without an importance matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from planner.sizing.architecture import Architecture, Role, Tensor
from planner.sizing.gguf_types import BLOCKS, fitting_type, type_bytes
from planner.units import ceil_div

SOURCE: Final = "llama.cpp src/llama-quant.cpp at 007dbbf"

# the type that a preset gives a tensor without a rule of its own
BASE: Final[dict[str, str]] = {
    "F32": "F32",
    "F16": "F16",
    "BF16": "BF16",
    "Q4_0": "Q4_0",
    "Q4_1": "Q4_1",
    "Q5_0": "Q5_0",
    "Q5_1": "Q5_1",
    "Q8_0": "Q8_0",
    "Q2_K": "Q2_K",
    "Q2_K_S": "Q2_K",
    "Q3_K_S": "Q3_K",
    "Q3_K_M": "Q3_K",
    "Q3_K_L": "Q3_K",
    "Q4_K_S": "Q4_K",
    "Q4_K_M": "Q4_K",
    "Q5_K_S": "Q5_K",
    "Q5_K_M": "Q5_K",
    "Q6_K": "Q6_K",
    "IQ1_S": "IQ1_S",
    "IQ1_M": "IQ1_M",
    "IQ2_XXS": "IQ2_XXS",
    "IQ2_XS": "IQ2_XS",
    "IQ2_S": "IQ2_XS",
    "IQ2_M": "IQ2_S",
    "IQ3_XXS": "IQ3_XXS",
    "IQ3_XS": "IQ3_S",
    "IQ3_S": "IQ3_S",
    "IQ3_M": "IQ3_S",
    "IQ4_XS": "IQ4_XS",
    "IQ4_NL": "IQ4_NL",
    "TQ1_0": "TQ1_0",
    "TQ2_0": "TQ2_0",
    "MXFP4_MOE": "MXFP4",
    "NVFP4": "NVFP4",
}
_TINY: Final = frozenset({"IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ2_S", "IQ2_M", "IQ1_M"})
_PLAIN: Final = frozenset({"F32", "F16", "BF16"})
_VALUE: Final = frozenset({"attn_v", "attn_kv_b"})
# never quantized although a matrix
_KEPT: Final = frozenset({"ffn_gate_inp", "ffn_gate_inp_shexp", "ssm_conv1d", "attn_sinks"})


@dataclass(frozen=True, slots=True)
class _Place:
    """What a rule may look at: the preset, the tensor's turn among its kind, the model's shape."""

    preset: str
    turn: int
    of: int
    layer: int
    layers: int
    gqa: int
    experts: int
    seventy: bool


def _more_bits(turn: int, of: int) -> bool:
    return turn < of // 8 or turn >= 7 * of // 8 or (turn - of // 8) % 3 == 2


def _value(at: _Place, kind: str) -> str:
    found = kind
    if at.preset in _TINY:
        if at.gqa >= 4 or at.experts >= 4:
            found = "Q4_K"
        else:
            found = "IQ3_S" if at.preset in ("IQ2_S", "IQ2_M") else "Q2_K"
        return found
    if at.preset == "Q2_K":
        found = "Q4_K" if at.gqa >= 4 else "Q3_K"
    elif at.preset == "IQ3_XXS":
        found = "Q4_K" if at.gqa >= 4 else "IQ3_S"
    elif (at.preset in ("Q2_K_S", "IQ3_XS", "IQ3_S") and at.gqa >= 4) or at.preset == "IQ3_M":
        found = "Q4_K"
    elif at.preset == "Q3_K_M":
        found = "Q5_K" if at.turn < 2 else "Q4_K"
    elif at.preset == "Q3_K_L" or (at.preset in ("IQ4_NL", "IQ4_XS") and at.gqa >= 4):
        found = "Q5_K"
    elif at.preset in ("Q4_K_M", "Q5_K_M") and _more_bits(at.turn, at.of):
        found = "Q6_K"
    elif at.preset == "Q4_K_S" and at.turn < 4:
        found = "Q5_K"
    if at.seventy and found in ("Q3_K", "Q4_K"):
        found = "Q5_K"
    return "Q8_0" if at.experts == 8 else found


def _down(at: _Place, kind: str) -> str:
    early = at.layer < at.layers // 8
    if at.preset in _TINY:
        if not early:
            return kind
        return "IQ3_S" if at.preset in ("IQ2_S", "IQ2_M") else "Q2_K"
    rules: dict[str, tuple[bool, str, str]] = {
        "Q2_K": (True, "Q3_K", kind),
        "Q2_K_S": (early, "Q4_K", kind),
        "IQ3_XXS": (early, "Q4_K", "Q3_K"),
        "Q3_K_M": (at.layer < at.layers // 16, "Q5_K", "Q4_K"),
        "IQ3_M": (early, "Q4_K", kind),
        "Q3_K_L": (True, "Q5_K", kind),
        "Q4_K_M": (_more_bits(at.layer, at.layers), "Q6_K", kind),
        "Q5_K_M": (_more_bits(at.layer, at.layers), "Q6_K", kind),
        "IQ4_NL": (early, "Q5_K", kind),
        "IQ4_XS": (early, "Q5_K", kind),
        "Q4_K_S": (early, "Q5_K", kind),
    }
    when, then, otherwise = rules.get(at.preset, (False, kind, kind))
    return then if when else otherwise


def _attention_output(at: _Place, kind: str) -> str:
    if at.preset in _TINY:
        if at.experts == 8:
            return "Q5_K"
        if at.preset in ("IQ1_S", "IQ1_M"):
            return "IQ2_XXS"
        return "IQ3_S" if at.preset in ("IQ2_S", "IQ2_M") else kind
    lifted = ("Q2_K", "Q3_K", "Q4_K", "IQ3", "IQ4")
    if at.experts == 8:
        return "Q5_K" if at.preset.startswith(lifted) and at.preset != "Q3_K_L" else kind
    return {
        "Q2_K": "Q3_K",
        "IQ3_XXS": "IQ3_S",
        "Q3_K_M": "Q4_K",
        "Q3_K_L": "Q5_K",
        "IQ3_M": "Q4_K",
    }.get(at.preset, kind)


def _key(at: _Place, kind: str) -> str:
    if at.experts == 8:
        return "Q4_K" if at.preset in _TINY else "Q8_0"
    return _query(at, kind)


def _query(at: _Place, kind: str) -> str:
    return {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}.get(at.preset, kind)


def _merged(at: _Place, kind: str) -> str:
    if at.preset in ("Q3_K_M", "Q3_K_L", "IQ3_M"):
        return "Q4_K"
    return {"Q4_K_M": "Q5_K", "Q5_K_M": "Q6_K"}.get(at.preset, kind)


def _gate(at: _Place, kind: str) -> str:
    middle = at.layers // 8 <= at.layer < 7 * at.layers // 8
    return "IQ3_XXS" if at.preset == "IQ3_XS" and middle else kind


_RULES: Final[dict[str, Callable[[_Place, str], str]]] = {
    "attn_v": _value,
    "attn_kv_b": _value,
    "attn_k": _key,
    "attn_q": _query,
    "attn_qkv": _merged,
    "attn_output": _attention_output,
    "ffn_down": _down,
    "ffn_down_exps": _down,
    "ffn_down_shexp": _down,
    "ffn_gate": _gate,
    "ffn_gate_exps": _gate,
    "ffn_gate_shexp": _gate,
    "ffn_up": _gate,
    "ffn_up_exps": _gate,
    "ffn_up_shexp": _gate,
}


def _output_type(preset: str, kind: str, row: int) -> str:
    if preset == "MXFP4_MOE" or row % BLOCKS[kind][0]:
        return "Q8_0"
    if preset in _TINY or preset == "IQ3_XXS":
        return "Q5_K"
    return kind if kind == "Q8_0" or preset in _PLAIN else "Q6_K"


def _embedding_type(preset: str, kind: str) -> str:
    if preset in ("IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"):
        return "Q2_K"
    if preset in ("IQ2_S", "IQ2_M", "IQ3_XXS"):
        return "IQ3_S"
    return "Q4_K" if preset in ("TQ1_0", "TQ2_0") else kind


@dataclass(frozen=True, slots=True)
class LayerBytes:
    """One layer of a GGUF file: routed experts apart, because they may stay in RAM."""

    rest: int
    experts: int


@dataclass(frozen=True, slots=True)
class GgufWeights:
    """Tensor bytes of a GGUF file, by where llama.cpp puts them.

    ``embedding`` stays on the host; ``output`` is a copy of it on the device when ``tied``.
    ``vision`` lies in a second file (mmproj). ``head`` is the part of ``output`` that guesses
    tokens (MTP).
    """

    embedding: int
    output: int
    tied: bool
    layers: tuple[LayerBytes, ...]
    vision: int = 0
    head: int = 0

    @property
    def file_bytes(self) -> int:
        """Bytes of all tensors in the model's file, each once."""
        own = self.output - self.embedding if self.tied else self.output
        return self.embedding + own + sum(layer.rest + layer.experts for layer in self.layers)


def _places(architecture: Architecture, preset: str) -> Callable[[int, int, int], _Place]:
    kept = next((layer for layer in architecture.layers if layer.kv_heads), None)
    gqa = architecture.heads // kept.kv_heads if kept and not architecture.latent_heads else 1
    count = len(architecture.layers)
    # llama.cpp calls a model of 80 layers with grouped queries "70B"
    seventy = count == 80 and gqa > 1 and architecture.family in ("llama", "qwen2")

    def place(turn: int, of: int, layer: int) -> _Place:
        return _Place(preset, turn, of, layer, count, gqa, architecture.experts, seventy)

    return place


def _kept_wide(tensor: Tensor) -> bool:
    return len(tensor.shape) < 2 or tensor.gguf in _KEPT or tensor.role is Role.BIAS


def _layer_types(
    tensor: Tensor, preset: str, place: Callable[[int, int, int], _Place], values: int
) -> list[str]:
    """The type of a tensor in each of its layers."""
    kind, row = BASE[preset], tensor.shape[-1]
    if _kept_wide(tensor):
        return ["F32"] * len(tensor.layers)
    if preset == "MXFP4_MOE":
        own = "MXFP4" if tensor.role is Role.EXPERT else "Q8_0"
        return [fitting_type(own, row)] * len(tensor.layers)
    rule = _RULES.get(tensor.gguf)
    if rule is None or preset in _PLAIN:
        return [fitting_type(kind, row)] * len(tensor.layers)
    of = values if tensor.gguf in _VALUE else len(tensor.layers)
    return [
        fitting_type(rule(place(turn, of, layer), kind), row)
        for turn, layer in enumerate(tensor.layers)
    ]


def tensor_types(architecture: Architecture, preset: str) -> Iterator[tuple[Tensor, int, str]]:
    """Every tensor of a preset's file (a key of BASE) with its layer and type.

    A layer of -1 is none. Image encoders lie in a file of their own and are left out. A latent
    layer's ``kv_b`` is stored as the two halves that current converters write.
    """
    place, kind = _places(architecture, preset), BASE[preset]
    tensors = tuple(_stored(architecture))
    values = sum(len(t.layers) for t in tensors if t.gguf in _VALUE)
    tied = not any(t.role is Role.OUTPUT for t in tensors)
    for tensor in tensors:
        if tensor.role in (Role.EMBEDDING, Role.OUTPUT):
            yield tensor, -1, _end_type(tensor, preset, kind, tied=tied)
        elif not tensor.layers:
            yield tensor, -1, "F32"
        else:
            types = _layer_types(tensor, preset, place, values)
            yield from ((tensor, *pair) for pair in zip(tensor.layers, types, strict=True))


def _stored(architecture: Architecture) -> Iterator[Tensor]:
    """The tensors as converters write them (llama.cpp pull 12801 split ``kv_b``)."""
    nope, value = architecture.latent_nope_dim, architecture.latent_value_dim
    for tensor in architecture.tensors:
        if tensor.gguf == "attn_kv_b" and len(tensor.shape) == 2:
            heads, latent = architecture.latent_heads, tensor.shape[1]
            yield replace(tensor, gguf="attn_k_b", shape=(latent, nope), copies=heads)
            yield replace(tensor, gguf="attn_v_b", shape=(value, latent), copies=heads)
        elif tensor.role is not Role.VISION:
            yield tensor


def _end_type(tensor: Tensor, preset: str, kind: str, *, tied: bool) -> str:
    if preset == "MXFP4_MOE":
        return "Q8_0"
    if tensor.role is Role.OUTPUT or tied:
        return _output_type(preset, kind, tensor.shape[-1])
    return fitting_type(_embedding_type(preset, kind), tensor.shape[-1])


@lru_cache(maxsize=256)
def gguf_weights(architecture: Architecture, preset: str) -> GgufWeights:
    """Bytes of every tensor of ``architecture`` under a llama.cpp preset (a key of BASE)."""
    count = len(architecture.layers)
    rest, routed = [0] * count, [0] * count
    embedding = output = 0
    for tensor, layer, own in tensor_types(architecture, preset):
        size = type_bytes(own, tensor.elements_each)
        if tensor.role is Role.EMBEDDING:
            embedding += size
        elif layer < 0:
            output += size
        else:
            into = routed if tensor.gguf.endswith("_exps") else rest
            into[layer] += size
    tied = not any(t.role is Role.OUTPUT for t in architecture.tensors)
    vision = sum(t.elements for t in architecture.tensors if t.role is Role.VISION) * 2
    layers = tuple(LayerBytes(a, b) for a, b in zip(rest, routed, strict=True))
    return GgufWeights(embedding, output + embedding * tied, tied, layers, vision)


def flat_weights(architecture: Architecture, bits: float) -> GgufWeights:
    """An estimate for a mix without fixed rules: every matrix at ``bits`` per weight."""
    count = len(architecture.layers)
    rest, routed = [0] * count, [0] * count
    embedding = output = vision = 0
    tied = not any(t.role is Role.OUTPUT for t in architecture.tensors)
    for tensor in architecture.tensors:
        wide = _kept_wide(tensor)
        if tensor.role is Role.VISION:
            vision += tensor.elements * 2
        elif tensor.role is Role.EMBEDDING:
            embedding += ceil_div(int(tensor.elements * max(bits, 4.5)), 8)
        elif tensor.role is Role.OUTPUT:
            output += ceil_div(int(tensor.elements * max(bits, 6.5625)), 8)
        elif not tensor.layers:
            output += tensor.elements * 4
        else:
            into = routed if tensor.copies > 1 else rest
            each = (
                tensor.elements_each * 4 if wide else ceil_div(int(tensor.elements_each * bits), 8)
            )
            for layer in tensor.layers:
                into[layer] += each
    if tied:
        output += embedding
    layers = tuple(LayerBytes(a, b) for a, b in zip(rest, routed, strict=True))
    return GgufWeights(embedding, output, tied, layers, vision)
