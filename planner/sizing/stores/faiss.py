"""FAISS: an index inside a process. It keeps vectors only; texts belong elsewhere."""

from __future__ import annotations

from typing import Final

from planner.diagnostics import note
from planner.sizing.stores.common import cluster_count, raw_why
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

_SOURCE: Final = "FAISS wiki; sizes of written indexes at 768 dimensions"
_M: Final = 32
_NODE: Final = 16  # offset, level and upper links of a node
_ID: Final = 8
_CENTRES: Final = 256  # of each part of a product quantizer


def code_bytes(request: StoreRequest) -> int:
    """Bytes of one stored vector: raw, int8, or a byte for every eight dimensions."""
    if request.quantization == SCALAR:
        return request.dimensions
    if request.quantization == PRODUCT:
        return -(-request.dimensions // 8)
    return request.dimensions * request.width


def _terms(request: StoreRequest) -> tuple[Term, ...]:
    n, d, each = request.vectors, request.dimensions, code_bytes(request)
    how = {SCALAR: "SQ8", PRODUCT: f"PQ{each}"}.get(request.quantization)
    why = f"{n:,} x {each} B ({how})" if how else raw_why(request)
    found = [Term("vectors", n * each, why, _SOURCE)]
    if request.quantization == PRODUCT:
        found.append(Term("codebook", _CENTRES * d * 4, f"{_CENTRES} x {d} x 4 B", _SOURCE))
    if request.index == HNSW:
        m = request.m or _M
        links = n * (8 * m + _NODE)
        found.append(Term("graph", links, f"{n:,} x (8 x {m} + {_NODE}) B", _SOURCE))
    if request.index == IVF:
        lists = cluster_count(request)
        size = lists * d * 4 + n * _ID
        why = f"{lists:,} lists x {d} x 4 B + {n:,} ids x {_ID} B"
        found.append(Term("lists", size, why, _SOURCE))
    return tuple(found)


def _parts(request: StoreRequest) -> Parts:
    terms = _terms(request)
    texts = note("FAISS keeps vectors only: the texts need a place of their own")
    if not request.on_disk(VECTORS):
        return Parts(terms, terms, (), (texts,))
    mapped = tuple(term for term in terms if term.name == "vectors")
    held = tuple(term for term in terms if term.name != "vectors")
    return Parts(held, terms, mapped, (texts,))


FAISS: Final = StoreEngine(
    name="faiss",
    indexes=(HNSW, IVF, FLAT),
    quantizations=(NONE, SCALAR, PRODUCT),
    precisions=(FLOAT32, FLOAT16),
    movable=lambda request: frozenset({VECTORS} if request.index == IVF else ()),
    why={
        "binary": "FAISS has binary indexes for vectors that are bits to begin with; floats are "
        "shrunk with `quantization: scalar` or `product`",
        "graph": "FAISS loads a graph whole; only the lists of an IVF index can stay on disk",
        "float16+scalar": "FAISS stores either float16 or codes",
        "float16+product": "FAISS stores either float16 or codes",
        "vectors": "FAISS loads a graph whole; only the lists of an IVF index can stay on disk "
        "(`index: ivf`)",
    },
    parts=_parts,
)
