"""What a model is made of: its tensors and layers, as read from a Hugging Face style ``config``.

Pure values. Everything that sizing says about weights, KV cache, adapters and speed is counted from
these tensors and layers; nothing is taken from a model's name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a tensor does; quantizers and engines treat roles differently.

    A buffer lies in the checkpoint and is no parameter.
    """

    EMBEDDING = "embedding"
    OUTPUT = "output"
    ATTENTION = "attention"
    MLP = "mlp"
    EXPERT = "expert"
    SHARED_EXPERT = "shared expert"
    ROUTER = "router"
    NORM = "norm"
    BIAS = "bias"
    STATE = "state"
    VISION = "vision"
    OTHER = "other"
    BUFFER = "buffer"


class Split(StrEnum):
    """How tensor parallelism divides a tensor over ranks."""

    COLUMN = "column"
    ROW = "row"
    KV = "kv"
    VOCABULARY = "vocabulary"
    NONE = "none"


class LayerKind(StrEnum):
    """What a layer keeps between tokens."""

    FULL = "full"
    SLIDING = "sliding"
    LATENT = "latent"
    LINEAR = "linear"
    STATELESS = "stateless"


class Kind(StrEnum):
    """What a model takes and gives, as far as its layers tell."""

    LANGUAGE = "language"
    EMBEDDING = "embedding"
    SPEECH = "speech"
    IMAGE = "image"


WHISPER = "whisper"
QUANTIZABLE = frozenset({Role.ATTENTION, Role.MLP, Role.EXPERT, Role.SHARED_EXPERT})


@dataclass(frozen=True, slots=True)
class Tensor:
    """A group of equal tensors: one per layer in ``layers`` (one in all when there are none).

    ``shape`` is (out, in), (n,) for a vector; ``copies`` counts experts. ``gguf`` is llama.cpp's
    name without block and suffix. ``fused`` names the parameter an engine merges it into;
    ``granule`` the rows that a KV split cannot divide (one head).
    """

    name: str
    gguf: str
    shape: tuple[int, ...]
    role: Role
    layers: tuple[int, ...] = ()
    split: Split = Split.NONE
    copies: int = 1
    fused: str = ""
    granule: int = 1

    @property
    def elements_each(self) -> int:
        """Elements in one layer, all experts together."""
        return math.prod(self.shape) * self.copies

    @property
    def elements(self) -> int:
        """Elements in the whole model."""
        return self.elements_each * max(1, len(self.layers))

    @property
    def quantizable(self) -> bool:
        """Whether quantizers usually shrink it: a matrix of a linear layer."""
        return self.role in QUANTIZABLE and len(self.shape) == 2


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer keeps in the KV cache or state.

    Per token: ``kv_heads`` x (``key_dim`` + ``value_dim``) elements (LATENT: ``key_dim`` once).
    Per sequence: ``state_elements`` recurrent and ``conv_elements`` convolution values.
    ``window`` bounds a SLIDING layer in tokens.
    """

    kind: LayerKind
    kv_heads: int = 0
    key_dim: int = 0
    value_dim: int = 0
    window: int = 0
    state_elements: int = 0
    conv_elements: int = 0

    @property
    def key_width(self) -> int:
        """Elements of K per token."""
        return self.kv_heads * self.key_dim

    @property
    def value_width(self) -> int:
        """Elements of V per token."""
        return self.kv_heads * self.value_dim


@dataclass(frozen=True, slots=True)
class Rope:
    """A rotary position table that engines keep beside the weights."""

    positions: int
    dim: int


@dataclass(frozen=True, slots=True, eq=False)
class Architecture:
    """A model's shape. ``intermediate`` is the dense MLP width, 0 where there is none.

    ``headless`` is a language model without its output matrix, as embedding models are; ``pixels``
    the side of the images that a pipeline was trained to make.
    """

    family: str
    hidden: int
    vocab: int
    heads: int
    head_dim: int
    layers: tuple[Layer, ...]
    tensors: tuple[Tensor, ...]
    intermediate: int = 0
    experts: int = 0
    experts_per_token: int = 0
    expert_width: int = 0
    tied: bool = False
    headless: bool = False
    max_position: int = 0
    ropes: tuple[Rope, ...] = ()
    latent_heads: int = 0
    latent_nope_dim: int = 0
    latent_value_dim: int = 0
    causal: bool = True
    vision_tokens: int = 0
    pixels: int = 0

    @property
    def kind(self) -> Kind:
        """What it takes and gives."""
        if self.family == WHISPER or self.pixels:
            return Kind.IMAGE if self.pixels else Kind.SPEECH
        return Kind.LANGUAGE if self.causal and not self.headless else Kind.EMBEDDING

    @property
    def parameters(self) -> int:
        """Unique parameters; a tied output counts once."""
        return sum(t.elements for t in self.tensors if t.role is not Role.BUFFER)

    @property
    def vision_parameters(self) -> int:
        """Parameters of the image encoder and its projector."""
        return sum(t.elements for t in self.tensors if t.role is Role.VISION)

    @property
    def active_parameters(self) -> int:
        """Parameters a decoded token touches, the embedding table included (published Axx)."""
        return sum(
            t.elements if t.copies == 1 else t.elements // t.copies * self.experts_per_token
            for t in self.tensors
            if t.role is not Role.VISION
        )

    def layers_of(self, *kinds: LayerKind) -> tuple[Layer, ...]:
        """The layers of these kinds, in order."""
        return tuple(layer for layer in self.layers if layer.kind in kinds)


class UnknownArchitecture(ValueError):
    """The config names a class that sizing has no builder for, or lacks a field it needs."""
