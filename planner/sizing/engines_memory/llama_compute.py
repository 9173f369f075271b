"""The compute buffer of ik_llama.cpp and of llama.cpp before 2026: the largest of its phases.

Counted from the shapes of the graph's largest tensors and checked against logged buffers; a phase
that no log confirmed is left to the margin of the band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planner.sizing.architecture import Architecture, LayerKind, Role
from planner.sizing.kv import KvTypes
from planner.units import MIB

_F32: Final = 4


@dataclass(frozen=True, slots=True)
class Flavour:
    """What differs between builds: hidden states kept beside logits and experts, mask bytes.

    ``expands_latent`` builds K and V of all heads from a latent cache, in slices of
    ``latent_slice`` bytes (None: at once).
    """

    name: str
    output_units: int
    expert_units: int
    mask_bytes: int
    expands_latent: bool
    latent_slice: int | None = None


MAINLINE: Final = Flavour("llama.cpp", 1, 0, 6, False)
IK: Final = Flavour("ik_llama.cpp", 2, 1, 2, True, 512 * MIB)


@dataclass(frozen=True, slots=True)
class Graph:
    """One device's part of the graph.

    ``window_cells`` is the sliding cache's length, ``staging`` the largest expert tensor that is
    kept in RAM and copied over for a batch.
    """

    context: int
    ubatch: int
    flash: bool
    window_cells: int
    has_output: bool
    has_layers: bool
    staging: int
    kv: KvTypes


def compute_bytes(architecture: Architecture, graph: Graph, flavour: Flavour) -> tuple[int, str]:
    """Bytes of the buffer, and the phase that sets it with its arithmetic."""
    tokens = min(graph.context, graph.ubatch)
    unit = tokens * architecture.hidden * _F32
    phases: list[tuple[int, str]] = []
    if graph.has_output:
        logits = architecture.vocab * tokens * _F32
        units = flavour.output_units if _keeps_two(architecture) else 1
        phases.append(
            (
                logits + units * unit,
                f"logits {architecture.vocab} x {tokens} x 4 B + {units} hidden",
            )
        )
    if graph.has_layers:
        phases.append(_attention(architecture, graph, flavour, tokens, unit))
        phases.append(_mlp(architecture, graph, flavour, tokens, unit))
    best = max(phases, default=(0, "no layer lies here"))
    if architecture.latent_heads and graph.has_layers and flavour.expands_latent and graph.flash:
        return _expanded_latent(architecture, graph, flavour, tokens, best)
    return best


def _keeps_two(architecture: Architecture) -> bool:
    linear = _has(architecture, LayerKind.LINEAR)
    return not (linear and architecture.experts) and not _has(architecture, LayerKind.SLIDING)


def _mask_cells(architecture: Architecture, graph: Graph) -> int:
    """Cells of all masks: sliding layers have a second one, as long as their part of the cache."""
    return graph.context + (graph.window_cells if _has(architecture, LayerKind.SLIDING) else 0)


def _has(architecture: Architecture, kind: LayerKind) -> bool:
    return any(layer.kind is kind for layer in architecture.layers)


def _attention(
    a: Architecture, graph: Graph, flavour: Flavour, tokens: int, unit: int
) -> tuple[int, str]:
    query = tokens * a.heads * a.head_dim * _F32
    if graph.flash:
        mask = _mask_cells(a, graph) * tokens * flavour.mask_bytes
        return mask + query + 3 * unit, "flash attention: mask, query and hidden states"
    scores = a.heads * graph.context * tokens * _F32
    mask = _mask_cells(a, graph) * tokens * _F32
    return (
        scores + mask + 2 * query + 2 * unit,
        f"attention scores {a.heads} x {graph.context} x {tokens} x 4 B",
    )


def _mlp(
    a: Architecture, graph: Graph, flavour: Flavour, tokens: int, unit: int
) -> tuple[int, str]:
    mask = _mask_cells(a, graph) * tokens * flavour.mask_bytes if graph.flash else 0
    if not a.experts:
        return (
            2 * tokens * a.intermediate * _F32 + unit,
            f"MLP 2 x {a.intermediate} x {tokens} x 4 B",
        )
    narrow = flavour.mask_bytes == 2 and not _has(a, LayerKind.LINEAR)
    kept = flavour.expert_units * unit if narrow else 0
    routed = tokens * a.experts_per_token * (a.hidden + 2 * a.expert_width) * _F32
    return (
        routed + mask + kept + graph.staging,
        f"experts {tokens} x {a.experts_per_token} x ({a.hidden} + 2 x {a.expert_width}) x 4 B"
        + (", one expert tensor staged from RAM" if graph.staging else ""),
    )


def _expanded_latent(
    a: Architecture, graph: Graph, flavour: Flavour, tokens: int, best: tuple[int, str]
) -> tuple[int, str]:
    """ik_llama.cpp's MLA modes expand K and V of all heads over the whole context."""
    rotary = a.ropes[0].dim
    per_token = a.latent_heads * (a.latent_nope_dim + a.latent_value_dim + rotary) * 2
    per_token += tokens * 2
    if graph.kv.key not in ("f16", "bf16", "f32"):
        per_token += (a.layers[0].key_width) * 2
    logits = a.vocab * tokens * _F32 if graph.has_output else 0
    sliced = _slice(a, graph.context, flavour.latent_slice)
    size = graph.context * per_token + sliced + min(logits, 1024 * MIB)
    why = f"K and V of all heads expanded over the context, + {sliced // MIB} MiB slice"
    return max((size, why), best)


def _slice(a: Architecture, context: int, limit: int | None) -> int:
    """Bytes of K and V in f32 of as many heads as ``-amb`` allows.

    The engine halves the heads until they fit; the limit itself is taken, so that a longer context
    never seems to take less.
    """
    whole = a.latent_heads * (a.latent_nope_dim + a.latent_value_dim) * context * _F32
    return whole if limit is None else min(whole, limit)


def host_bytes(architecture: Architecture, graph: Graph) -> int:
    """The host's input buffers: embeddings and the attention mask of one batch."""
    tokens = min(graph.context, graph.ubatch)
    return tokens * _F32 * (_mask_cells(architecture, graph) + architecture.hidden)


def largest_expert(architecture: Architecture, bits: float) -> int:
    """Bytes of the largest expert tensor of a layer at ``bits`` per weight."""
    sizes = [t.elements_each for t in architecture.tensors if t.role is Role.EXPERT]
    return int(max(sizes, default=0) * bits / 8)
