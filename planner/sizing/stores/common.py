"""Terms that every store has: text on disk, links of a graph, clusters of an IVF index."""

from __future__ import annotations

from math import isqrt
from typing import Final

from planner.sizing.stores.values import StoreRequest
from planner.sizing.values import Term

TEXT_BYTES: Final = 4  # a token of English text; other scripts take up to twice as much
METADATA_BYTES: Final = 200  # file name, page, ids and section of a chunk: an assumption
# links of the upper layers of a graph, over those of the lowest
_UPPER_TENTHS: Final = 11


def text_term(request: StoreRequest) -> Term:
    """The chunks' text and metadata as they lie on disk."""
    size = request.tokens * TEXT_BYTES + request.vectors * METADATA_BYTES
    return Term(
        "text",
        size,
        f"{request.tokens:,} tokens x {TEXT_BYTES} B + {request.vectors:,} chunks x "
        f"{METADATA_BYTES} B of metadata (assumed)",
        "qdrant.tech/documentation/capacity-planning; measure your own pages",
    )


def vectors_term(request: StoreRequest, name: str = "vectors") -> Term:
    """The full vectors, as raw numbers."""
    return Term(name, request.raw_bytes, raw_why(request), "dimensions x bytes of a number")


def raw_why(request: StoreRequest) -> str:
    """The arithmetic of the raw vectors."""
    kind = request.precision
    return f"{request.vectors:,} x {request.dimensions} dimensions x {request.width} B ({kind})"


def graph_term(request: StoreRequest, m: int, source: str) -> Term:
    """Links of an HNSW graph: 2m of 4 bytes on the lowest layer, a tenth more above it."""
    size = request.vectors * m * 2 * 4 * _UPPER_TENTHS // 10
    why = f"{request.vectors:,} x {m} x 2 links x 4 B x 1.1 for the upper layers"
    return Term("graph", size, why, source)


def codes_term(request: StoreRequest, each: int, how: str, source: str) -> Term:
    """Quantized copies of ``each`` bytes a vector."""
    return Term(
        "quantized", request.vectors * each, f"{request.vectors:,} x {each} B: {how}", source
    )


def bits(dimensions: int) -> int:
    """Bytes of a vector with one bit a dimension."""
    return -(-dimensions // 8)


def cluster_count(request: StoreRequest) -> int:
    """Clusters of an IVF index: as written, else rows / 1000 up to a million and the square root
    above it (pgvector's README), so that a cluster holds about a thousand vectors."""
    if request.lists:
        return request.lists
    rows = request.vectors
    return max(1, rows // 1000 if rows <= 1_000_000 else isqrt(rows))
