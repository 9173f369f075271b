"""Chroma: one HNSW index in float32, which must be in RAM whole."""

from __future__ import annotations

from typing import Final

from planner.sizing.stores.common import graph_term, text_term, vectors_term
from planner.sizing.stores.values import (
    FLOAT32,
    HNSW,
    NONE,
    Parts,
    StoreEngine,
    StoreRequest,
)
from planner.sizing.values import Term

_SOURCE: Final = "docs.trychroma.com performance page"
_M: Final = 16
# what its table of machines leaves beside vectors and links: each row within a tenth
_PROCESS: Final = 10**9
_DISK_FACTOR: Final = 4


def _parts(request: StoreRequest) -> Parts:
    vectors, graph = vectors_term(request), graph_term(request, request.m or _M, _SOURCE)
    index = vectors.bytes + graph.bytes
    process = Term("process", _PROCESS, "system and server; fits the vendor's machines", _SOURCE)
    disk = Term(
        "index",
        index * _DISK_FACTOR,
        f"{_DISK_FACTOR} x the index: the vendor says 2 to 4 times RAM, with metadata and its log",
        _SOURCE,
    )
    return Parts((vectors, graph, process), (disk, text_term(request)))


_IN_RAM: Final = "Chroma searches an HNSW index that must be in RAM whole, and swaps when it is not"

CHROMA: Final = StoreEngine(
    name="chroma",
    indexes=(HNSW,),
    quantizations=(NONE,),
    precisions=(FLOAT32,),
    movable=lambda request: frozenset(),
    why={
        "ivf": _IN_RAM,
        "flat": _IN_RAM,
        "scalar": "a single Chroma server stores float32 only",
        "binary": "a single Chroma server stores float32 only",
        "product": "a single Chroma server stores float32 only",
        "float16": "a single Chroma server stores float32 only",
        "vectors": f"{_IN_RAM}; Qdrant or pgvector can keep vectors on disk",
        "graph": f"{_IN_RAM}; Qdrant can keep its graph on disk",
    },
    parts=_parts,
)
