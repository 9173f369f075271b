"""The compute buffer that current builds of llama.cpp reserve for one physical batch.

Each phase is the largest set of tensors that the graph keeps at once. Widths are floats a token;
checked against buffers that build 11669 printed for files of real shapes (tests/e2e).
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.sizing.architecture import Architecture, Layer, LayerKind
from planner.units import round_up

_F32 = 4
_INDEX = 8  # row indices of V, 64 bit, where V is stored transposed (no flash attention)
_KERNEL = 4  # width of the convolution before every linear attention that llama.cpp knows


@dataclass(frozen=True, slots=True)
class Batch:
    """What is reserved for.

    ``cells`` and ``window_cells`` are those of one stream; slots without a shared cache are
    streams of their own. ``sequences`` is how many may lie in one batch. On a device the embedded
    input stays outside (``on_host`` False). ``staging`` are bytes of experts copied over from RAM.
    """

    cells: int
    window_cells: int
    ubatch: int
    streams: int
    sequences: int
    flash: bool
    on_host: bool
    has_layers: bool
    staging: int


def reserved_bytes(architecture: Architecture, batch: Batch) -> tuple[int, str]:
    """Bytes of the buffer, and the phase that sets it."""
    a = architecture
    tokens = round_up(batch.ubatch, batch.streams)
    if not batch.has_layers:
        return tokens * a.hidden * _F32, "hidden states only"
    states = (5 if batch.on_host else 4) * a.hidden
    phases = [_mlp(a, states), _attention(a, batch)]
    wide, what = max(phases)
    per_token = _F32 * wide + _inputs(a, batch)
    found = tokens * per_token, f"{tokens} tokens x {per_token} B: {what}"
    linear = next((x for x in a.layers if x.kind is LayerKind.LINEAR), None)
    if linear is not None:
        found = max(found, _recurrent(a, linear, batch, tokens, states))
    return found[0] + batch.staging, found[1]


def _inputs(a: Architecture, batch: Batch) -> int:
    """Bytes a token of the masks, and of the places of V; a second cache doubles both."""
    sliding = any(layer.kind is LayerKind.SLIDING for layer in a.layers)
    cells = batch.cells + (batch.window_cells if sliding else 0)
    if batch.flash:
        return 2 * cells
    value = max((x.value_width for x in a.layers if x.kind is not LayerKind.LINEAR), default=0)
    return _F32 * cells + _INDEX * value * (2 if sliding else 1)


def _mlp(a: Architecture, states: int) -> tuple[int, str]:
    """Gate, up and their product; what the experts give back finds room there when it is small."""
    dense = 3 * a.intermediate
    top, width = a.experts_per_token, a.expert_width
    routed = 3 * top * width + (top * a.hidden if a.hidden > 2 * width else 0)
    name = f"{top} experts of {width}" if routed > dense else f"an MLP of {a.intermediate}"
    return max(dense, routed) + states, f"{name}, hidden states and masks"


def _attention(a: Architecture, batch: Batch) -> tuple[int, str]:
    query = a.heads * _head_width(a)
    if any(layer.kind is LayerKind.SLIDING for layer in a.layers):
        kept = 5 * a.hidden + 2 * query
    else:
        gated = any(layer.kind is LayerKind.LINEAR for layer in a.layers)
        kept = 3 * a.hidden + (4 if gated else 3) * query
    if batch.flash:
        return kept, "flash attention, queries and masks"
    return a.heads * batch.cells + kept, f"scores of {a.heads} heads over {batch.cells} cells"


def _head_width(a: Architecture) -> int:
    """Width of a head in the graph; latent attention computes in the latent's width."""
    for layer in a.layers:
        if layer.kind is LayerKind.LATENT:
            return layer.key_width - (a.ropes[0].dim if a.ropes else 0)
    return a.head_dim


def _recurrent(
    a: Architecture, layer: Layer, batch: Batch, tokens: int, states: int
) -> tuple[int, str]:
    """Old and new state of every sequence, and what the convolution reads and writes."""
    mixed = layer.conv_elements // (_KERNEL - 1)
    value = next((t.shape[-1] for t in a.tensors if t.gguf == "ssm_out"), 0)
    state = _F32 * (layer.state_elements + layer.conv_elements)
    size = tokens * (_F32 * (2 * mixed + value + states) + _inputs(a, batch))
    return size + 2 * state * batch.sequences, f"state of {batch.sequences} sequences, twice"
