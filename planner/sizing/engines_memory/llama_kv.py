"""How llama.cpp and its forks allocate cells: windows, recurrent state, latent caches, slots."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from typing import Final

from planner.sizing.architecture import Architecture, Layer, LayerKind
from planner.sizing.kv import KvTypes
from planner.units import round_up

_PAD: Final = 256
AUTO_SLOTS: Final = 4


class Latent(Enum):
    """What a build keeps of a latent (MLA) layer."""

    KEY = "the latent alone"
    KEY_AND_VALUE = "the latent, and once more as V"
    EXPANDED = "K and V of every head"


@dataclass(frozen=True, slots=True)
class CacheShape:
    """Cells that a build allocates.

    ``unified`` slots share one cache of ``context`` cells; else each of ``slots`` gets its part.
    ``windows`` says whether sliding layers are cut to their window, ``snapshots`` how many older
    recurrent states each slot keeps to go back to.
    """

    context: int
    slots: int
    unified: bool
    ubatch: int
    windows: bool
    latent: Latent = Latent.KEY
    snapshots: int = 0

    @property
    def streams(self) -> int:
        """Caches of their own."""
        return 1 if self.unified else self.slots


@lru_cache(maxsize=1024)  # a model's layers are alike
def layer_bytes(layer: Layer, architecture: Architecture, types: KvTypes, shape: CacheShape) -> int:
    """Bytes of one layer's cache or state, over all slots."""
    match layer.kind:
        case LayerKind.STATELESS:
            return 0
        case LayerKind.LINEAR:
            rows = shape.slots * (1 + shape.snapshots)
            return 4 * (layer.state_elements + layer.conv_elements) * rows
        case LayerKind.LATENT:
            return int(_latent_row(layer, architecture, types, shape) * _full_cells(shape))
        case LayerKind.FULL:
            return int(_row(layer, types) * _full_cells(shape))
        case LayerKind.SLIDING:
            cells = sliding_cells(layer.window, shape) if shape.windows else _full_cells(shape)
            return int(_row(layer, types) * cells)


def _row(layer: Layer, types: KvTypes) -> Fraction:
    return layer.key_width * types.key_bytes + layer.value_width * types.value_bytes


def _latent_row(
    layer: Layer, architecture: Architecture, types: KvTypes, shape: CacheShape
) -> Fraction:
    a = architecture
    rotary = a.ropes[0].dim
    if shape.latent is Latent.KEY:
        return layer.key_width * types.key_bytes
    if shape.latent is Latent.KEY_AND_VALUE:
        return layer.key_width * types.key_bytes + (layer.key_width - rotary) * types.value_bytes
    key = a.latent_heads * (a.latent_nope_dim + rotary)
    return key * types.key_bytes + a.latent_heads * a.latent_value_dim * types.value_bytes


def stream_cells(shape: CacheShape) -> int:
    """Cells of one stream's full layers; every slot is a stream unless they share one cache."""
    return round_up(shape.context // shape.streams, _PAD)


def _full_cells(shape: CacheShape) -> int:
    return stream_cells(shape) * shape.streams


def sliding_cells(window: int, shape: CacheShape) -> int:
    """Cells of a sliding layer over all streams: the window of each slot plus one batch."""
    if shape.unified:
        return round_up(min(shape.context, window * shape.slots + shape.ubatch), _PAD)
    each = shape.context // shape.slots
    return round_up(min(each, window + shape.ubatch), _PAD) * shape.slots
