"""Milvus: a graph by its vendor's factor of two, or clusters with or without shorter codes."""

from __future__ import annotations

from typing import Final

from planner.sizing.stores.common import cluster_count, graph_term, raw_why, text_term, vectors_term
from planner.sizing.stores.values import (
    FLAT,
    FLOAT16,
    FLOAT32,
    HNSW,
    IVF,
    NONE,
    PRODUCT,
    SCALAR,
    VECTORS,
    Parts,
    StoreEngine,
    StoreRequest,
)
from planner.sizing.values import Term

_SOURCE: Final = "milvus.io/ai-quick-reference: memory overhead of HNSW and IVF"
_M: Final = 30
_ID: Final = 4


def _searched(request: StoreRequest) -> Term:
    """What is compared: raw vectors, or codes of one byte for one or for eight dimensions."""
    n, d = request.vectors, request.dimensions
    if request.quantization == SCALAR:
        return Term("vectors", n * d, f"{n:,} x {d} B (SQ8)", _SOURCE)
    if request.quantization == PRODUCT:
        parts = -(-d // 8)
        return Term("vectors", n * parts, f"{n:,} x {parts} B (PQ, m = {parts}, assumed)", _SOURCE)
    return Term("vectors", request.raw_bytes, raw_why(request), _SOURCE)


def _index(request: StoreRequest) -> tuple[Term, ...]:
    vectors = _searched(request)
    if request.index == HNSW and request.quantization != NONE:
        return vectors, graph_term(request, request.m or _M, _SOURCE)
    if request.index == HNSW:
        links = graph_term(request, request.m or _M, _SOURCE).bytes
        why = "as much as the vectors again: the vendor says 1.5 to 2 times raw; at least its links"
        return vectors, Term("graph", max(vectors.bytes, links), why, _SOURCE)
    if request.index == IVF:
        lists = cluster_count(request)
        size = lists * request.dimensions * 4 + request.vectors * _ID
        why = f"{lists:,} lists x {request.dimensions} x 4 B + {request.vectors:,} ids x {_ID} B"
        return vectors, Term("lists", size, why, _SOURCE)
    return (vectors,)


def _parts(request: StoreRequest) -> Parts:
    index = _index(request)
    stored = Term("index", sum(term.bytes for term in index), "the index as written", _SOURCE)
    disk = (vectors_term(request), stored, text_term(request))
    if request.on_disk(VECTORS):
        held = tuple(term for term in index if term.name != "vectors")
        return Parts(held, disk, tuple(term for term in index if term.name == "vectors"))
    return Parts(index, disk)


MILVUS: Final = StoreEngine(
    name="milvus",
    indexes=(HNSW, IVF, FLAT),
    quantizations=(NONE, SCALAR, PRODUCT),
    precisions=(FLOAT32, FLOAT16),
    movable=lambda request: frozenset({VECTORS}),
    why={
        "binary": "Milvus has one-bit codes (IVF_RABITQ) whose size planner has no figure for; "
        "`quantization: scalar` or `product` is known",
        "graph": "Milvus maps vectors and graph together; `keep.vectors` decides",
        "quantized": "Milvus keeps one copy of what it searches; `keep.vectors` decides",
    },
    parts=_parts,
)
