"""Weaviate: a Go heap of cached vectors and links, with room for its garbage collector."""

from __future__ import annotations

from typing import Final

from planner.sizing.stores.common import bits, codes_term, text_term, vectors_term
from planner.sizing.stores.values import (
    BINARY,
    FLAT,
    FLOAT32,
    HNSW,
    NONE,
    PRODUCT,
    SCALAR,
    VECTORS,
    Parts,
    StoreEngine,
    StoreRequest,
)
from planner.sizing.values import Term

_SOURCE: Final = "Weaviate community memory guide"
_M: Final = 32
_ENTRY: Final = 30  # of the cache, for each vector
_LINK: Final = 5  # bytes of a link, at most; 2 at least
_BASE: Final = 2 * 10**9


def _codes(request: StoreRequest) -> Term | None:
    d = request.dimensions
    match request.quantization:
        case "scalar":
            return codes_term(request, d, "one int8 a dimension", _SOURCE)
        case "binary":
            return codes_term(request, bits(d), "one bit a dimension", _SOURCE)
        case "product":
            return codes_term(request, -(-d // 6), "a segment for six dimensions", _SOURCE)
    return None


def _heap(request: StoreRequest) -> list[Term]:
    n, codes = request.vectors, _codes(request)
    found: list[Term] = []
    if codes:
        found.append(codes)
    elif not request.on_disk(VECTORS):
        why = f"{n:,} x ({request.dimensions} x 4 + {_ENTRY}) B"
        found.append(Term("vectors", n * (request.dimensions * 4 + _ENTRY), why, _SOURCE))
    if request.index == HNSW:
        links = 2 * (request.m or _M)
        why = f"{n:,} x {links} links x {_LINK} B (2 to 5)"
        found.append(Term("graph", n * links * _LINK, why, _SOURCE))
    found.append(Term("base", _BASE, "the server itself", _SOURCE))
    return found


def _parts(request: StoreRequest) -> Parts:
    heap = _heap(request)
    size = sum(term.bytes for term in heap)
    limit = size * 12 // 10
    collector = Term("collector", limit - size, "GOMEMLIMIT = heap x 1.2", _SOURCE)
    container = Term("container", limit * 10 // 8 - limit, "GOMEMLIMIT / 0.8", _SOURCE)
    codes = tuple(term for term in (_codes(request),) if term)
    files = (vectors_term(request), *codes, text_term(request))
    cached = request.on_disk(VECTORS) or bool(codes)
    cache = (vectors_term(request),) if cached else ()
    return Parts((*heap, collector, container), files, cache)


def _movable(request: StoreRequest) -> frozenset[str]:
    compressed = request.quantization != NONE or request.index == FLAT
    return frozenset({VECTORS} if compressed else ())


WEAVIATE: Final = StoreEngine(
    name="weaviate",
    indexes=(HNSW, FLAT),
    quantizations=(NONE, SCALAR, BINARY, PRODUCT),
    precisions=(FLOAT32,),
    movable=_movable,
    why={
        "ivf": "Weaviate searches a graph (hnsw) or compares all (flat)",
        "float16": "Weaviate stores float32; `quantization: scalar` searches in a quarter of it",
        "graph": "Weaviate's graph lives on the Go heap, in RAM",
        "quantized": "Weaviate keeps quantized vectors in its RAM cache",
        "vectors": "an uncompressed graph needs its vectors in RAM; write `quantization: scalar` "
        "or `index: flat`, then the full ones stay on disk",
        "flat+scalar": "a flat index of Weaviate takes `quantization: binary` only",
        "flat+product": "a flat index of Weaviate takes `quantization: binary` only",
    },
    parts=_parts,
)
