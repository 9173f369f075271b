"""Qdrant: vectors in RAM by its rule of one and a half, or quantized copies and the graph alone."""

from __future__ import annotations

from typing import Final

from planner.sizing.stores.common import bits, codes_term, graph_term, text_term, vectors_term
from planner.sizing.stores.values import (
    BINARY,
    FLAT,
    FLOAT16,
    FLOAT32,
    GRAPH,
    HNSW,
    NONE,
    PRODUCT,
    QUANTIZED,
    SCALAR,
    VECTORS,
    Parts,
    StoreEngine,
    StoreRequest,
)
from planner.sizing.values import Term

_CAPACITY: Final = "qdrant.tech/documentation/capacity-planning"
_LARGE: Final = "qdrant.tech/documentation/tutorials-operations/large-scale-search"
_M: Final = 16
_PRODUCT_RATIO: Final = 16  # compression x16 of float32, the middle of x4 to x64


def _codes(request: StoreRequest) -> Term | None:
    d = request.dimensions
    match request.quantization:
        case "scalar":
            return codes_term(request, d, "one int8 a dimension", _CAPACITY)
        case "binary":
            return codes_term(request, bits(d), "one bit a dimension", _CAPACITY)
        case "product":
            each = -(-d * 4 // _PRODUCT_RATIO)
            return codes_term(request, each, f"product, x{_PRODUCT_RATIO} (assumed)", _CAPACITY)
    return None


def _parts(request: StoreRequest) -> Parts:
    vectors, codes = vectors_term(request), _codes(request)
    graph = graph_term(request, request.m or _M, _LARGE) if request.index == HNSW else None
    files = [vectors, *(term for term in (codes, graph) if term), text_term(request)]
    ram: list[Term] = []
    cache: list[Term] = []
    if request.on_disk(VECTORS):
        cache.append(vectors)
    else:
        ram.append(vectors)
    if codes:
        (cache if request.on_disk(QUANTIZED) else ram).append(codes)
    if graph and request.on_disk(GRAPH):
        cache.append(graph)
    elif not request.on_disk(VECTORS):
        ram.append(_overhead(request, graph))
    elif graph:
        ram.append(graph)
    return Parts(tuple(ram), tuple(files), tuple(cache))


def _overhead(request: StoreRequest, graph: Term | None) -> Term:
    return Term(
        "overhead",
        max(request.raw_bytes // 2, graph.bytes if graph else 0),
        "half of the vectors again, at least the graph: versions, and copies while it optimizes",
        _CAPACITY,
    )


QDRANT: Final = StoreEngine(
    name="qdrant",
    indexes=(HNSW, FLAT),
    quantizations=(NONE, SCALAR, BINARY, PRODUCT),
    precisions=(FLOAT32, FLOAT16),
    movable=lambda request: frozenset({VECTORS, QUANTIZED, GRAPH}),
    why={
        "ivf": "Qdrant searches by an HNSW graph, which also filters; it has no clusters",
    },
    parts=_parts,
)
