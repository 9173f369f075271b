"""pgvector: rows in a PostgreSQL table, and an index whose entries never cross an 8 KB page."""

from __future__ import annotations

from typing import Final

from planner.diagnostics import Diagnostic, note
from planner.sizing.stores.common import bits, cluster_count, text_term
from planner.sizing.stores.values import (
    BINARY,
    FLAT,
    FLOAT16,
    FLOAT32,
    GRAPH,
    HNSW,
    IVF,
    NONE,
    VECTORS,
    Parts,
    StoreEngine,
    StoreRequest,
)
from planner.sizing.values import Term
from planner.units import MIB, ceil_div, gib, round_up

_SOURCE: Final = "pgvector README and src/hnsw.h"
_PAGE: Final = 8192
_USABLE: Final = _PAGE - 24 - 8  # page header, and the index's own words at the end
_POINTER: Final = 4
_M: Final = 16
_SHARED: Final = 128 * MIB  # PostgreSQL's own default


def element_bytes(request: StoreRequest) -> int:
    """A vector in the table: vector 4d + 8, halfvec 2d + 8."""
    return request.dimensions * request.width + 8


def _indexed_bytes(request: StoreRequest) -> int:
    """A vector in the index: the same, or one bit a dimension."""
    return (
        bits(request.dimensions) + 8 if request.quantization == BINARY else element_bytes(request)
    )


def graph_entry_bytes(request: StoreRequest) -> int:
    """Bytes of the HNSW index that one vector takes, pages filled as far as they go.

    An element is 72 B beside its vector, its neighbours 4 + 12m; both lie on one page where they
    fit, which leaves most of a page empty for long vectors.
    """
    element = round_up(72 + _indexed_bytes(request), 8) + _POINTER
    neighbours = round_up(4 + 12 * (request.m or _M), 8) + _POINTER
    together = _USABLE // (element + neighbours)
    return ceil_div(_PAGE, together) if together else 2 * _PAGE


def _cluster_entry_bytes(request: StoreRequest) -> int:
    entry = round_up(8 + _indexed_bytes(request), 8) + _POINTER
    return ceil_div(_PAGE, max(1, _USABLE // entry))


def _index(request: StoreRequest) -> Term | None:
    count = request.vectors
    kind = "bit" if request.quantization == BINARY else _type(request)
    if request.index == HNSW:
        each = graph_entry_bytes(request)
        why = (
            f"{count:,} x {each} B: 8 KB pages of {kind}({request.dimensions}), tuples never split"
        )
        return Term("index", count * each, why, _SOURCE)
    if request.index == IVF:
        each, lists = _cluster_entry_bytes(request), cluster_count(request)
        centres = lists * request.dimensions * 4
        why = f"{count:,} x {each} B in 8 KB pages + {lists:,} lists x {request.dimensions} x 4 B"
        return Term("index", count * each + centres, why, _SOURCE)
    return None


def _type(request: StoreRequest) -> str:
    return "halfvec" if request.precision == FLOAT16 else "vector"


def _parts(request: StoreRequest) -> Parts:
    each = element_bytes(request)
    table = Term(
        "table",
        request.vectors * each,
        f"{request.vectors:,} x {each} B of {_type(request)}({request.dimensions})",
        _SOURCE,
    )
    index = _index(request)
    searched = index or table
    buffers = Term("shared_buffers", _SHARED, "PostgreSQL's default", "PostgreSQL documentation")
    files = tuple(term for term in (table, index, text_term(request)) if term)
    if request.on_disk(VECTORS):
        return Parts((buffers,), files, (searched,), _build(request, index))
    held = Term(
        "index" if index else "table",
        searched.bytes,
        f"shared_buffers and page cache that hold all that searches read: {searched.why}",
        _SOURCE,
    )
    return Parts((buffers, held), files, (), _build(request, index))


def _build(request: StoreRequest, index: Term | None) -> tuple[Diagnostic, ...]:
    if index is None or request.index != HNSW:
        return ()
    need = index.bytes
    return (
        note(
            f"building the index is fast with {gib(need)} of maintenance_work_mem",
            detail="with less, PostgreSQL builds the graph on disk, many times slower",
            advice=f"before CREATE INDEX: SET maintenance_work_mem = '{ceil_div(need, MIB)}MB'",
        ),
    )


def _limit(request: StoreRequest) -> tuple[int, str] | None:
    if request.index == FLAT:
        return 16_000, "a column of vector or halfvec holds at most 16,000"
    if request.quantization == BINARY:
        return 64_000, "an index over bits holds at most 64,000"
    if request.precision == FLOAT16:
        return 4000, "an index over halfvec holds at most 4,000, because a tuple must fit a page"
    return 2000, (
        "an index over vector holds at most 2,000, because a tuple must fit an 8 KB page; "
        "`precision: float16` (halfvec) reaches 4,000 and `quantization: binary` 64,000"
    )


PGVECTOR: Final = StoreEngine(
    name="pgvector",
    indexes=(HNSW, IVF, FLAT),
    quantizations=(NONE, BINARY),
    precisions=(FLOAT32, FLOAT16),
    movable=lambda request: frozenset({VECTORS, GRAPH}),
    why={
        "scalar": "pgvector has no int8; `precision: float16` (halfvec) halves the vectors, "
        "`quantization: binary` indexes one bit a dimension",
        "product": "pgvector has no product quantization; `quantization: binary` indexes one bit "
        "a dimension",
        "graph": "pgvector's index holds the vectors it searches: graph and vectors lie together, "
        "so `keep.vectors` decides for both",
    },
    parts=_parts,
    limit=_limit,
    together=True,
)
