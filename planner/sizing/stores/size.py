"""``size_store``: one store of a blueprint becomes terms, or a sentence that says why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from planner.diagnostics import Diagnostic, DocumentPath, error, has_errors
from planner.sizing.stores.chroma import CHROMA
from planner.sizing.stores.faiss import FAISS
from planner.sizing.stores.milvus import MILVUS
from planner.sizing.stores.pgvector import PGVECTOR
from planner.sizing.stores.qdrant import QDRANT
from planner.sizing.stores.values import (
    DISK,
    GRAPH,
    HNSW,
    IVF,
    NONE,
    QUANTIZED,
    RAM,
    VECTORS,
    Parts,
    StoreEngine,
    StoreRequest,
)
from planner.sizing.stores.weaviate import WEAVIATE
from planner.units import ceil_div

STORES: Final = {
    engine.name: engine for engine in (QDRANT, PGVECTOR, CHROMA, FAISS, MILVUS, WEAVIATE)
}


def vector_count(pages: int, tokens_per_page: int, chunk: int, overlap: int) -> int:
    """Chunks of long documents: each starts ``chunk - overlap`` tokens after the one before.

    Raises ValueError when the overlap leaves no step.
    """
    if overlap >= chunk:
        raise ValueError(f"an overlap of {overlap} tokens leaves no step in a chunk of {chunk}")
    return ceil_div(pages * tokens_per_page, chunk - overlap)


def size_store(request: StoreRequest, *path: str | int) -> tuple[Parts, tuple[Diagnostic, ...]]:
    """The terms of a store, and what its engine refuses at ``path``; no terms when it does.

    Raises KeyError for an engine that planner does not size.
    """
    engine = STORES[request.engine]
    asked = replace(request, index=request.index or engine.indexes[0])
    found = tuple(_refused(asked, engine, path))
    if has_errors(found):
        return Parts((), ()), found
    return engine.parts(asked), found


def _refused(
    request: StoreRequest, engine: StoreEngine, path: DocumentPath
) -> Iterator[Diagnostic]:
    choices = (
        ("index", request.index, engine.indexes),
        ("quantization", request.quantization, engine.quantizations),
        ("precision", request.precision, engine.precisions),
    )
    for key, value, known in choices:
        if value not in known:
            yield error(f"{engine.name} has no {key} {value}", *path, key, value=value,
                        detail=engine.why.get(str(value)),
                        advice=f"write {_or(key, known)}")  # fmt: skip
    for word in (request.index, request.precision):
        pair = f"{word}+{request.quantization}"
        if pair in engine.why:
            yield error(f"{engine.name} does not combine {word} and {request.quantization}",
                        *path, "quantization", value=request.quantization,
                        detail=engine.why[pair], advice="write one of the two")  # fmt: skip
    if request.m is not None and request.index != HNSW:
        yield error(f"m belongs to a graph, and the index is {request.index}", *path, "m",
                    value=request.m, detail="m is the links of a node in an HNSW graph",
                    advice="write index: hnsw, or take m out")  # fmt: skip
    if request.lists is not None and request.index != IVF:
        yield error(f"lists belong to clusters, and the index is {request.index}", *path, "lists",
                    value=request.lists, detail="lists are the clusters of an IVF index",
                    advice="write index: ivf, or take lists out")  # fmt: skip
    yield from _too_long(request, engine, path)
    yield from _misplaced(request, engine, path)


def _or(key: str, known: tuple[str, ...]) -> str:
    return " or ".join(f"{key}: {word}" for word in known)


def _too_long(
    request: StoreRequest, engine: StoreEngine, path: DocumentPath
) -> Iterator[Diagnostic]:
    limit = engine.limit(request)
    if limit is not None and request.dimensions > limit[0]:
        yield error(
            f"{engine.name} cannot index {request.dimensions:,} dimensions",
            *path,
            "dimensions",
            value=request.dimensions,
            detail=limit[1],
            advice="write precision: float16, quantization: binary, or another engine",
        )


def _misplaced(
    request: StoreRequest, engine: StoreEngine, path: DocumentPath
) -> Iterator[Diagnostic]:
    """Parts that this engine cannot keep on disk, or that are not there."""
    for part, where in request.keep.items():
        if part == QUANTIZED and request.quantization == NONE:
            yield error(f"there are no quantized vectors to keep in {where}", *path, "keep",
                        part, value=where, advice="add quantization: scalar")  # fmt: skip
            continue
        if where == DISK and part not in engine.movable(request):
            yield error(f"{engine.name} cannot keep {part} on disk", *path, "keep", part,
                        value=where, detail=engine.why.get(part),
                        advice=f"write keep: {{{part}: ram}}")  # fmt: skip
        elif part == GRAPH and engine.together and where != request.keep.get(VECTORS, RAM):
            yield error(f"{engine.name} keeps graph and vectors together", *path, "keep", part,
                        value=where, detail=engine.why.get(GRAPH),
                        advice=f"write keep: {{vectors: {where}, graph: {where}}}")  # fmt: skip
