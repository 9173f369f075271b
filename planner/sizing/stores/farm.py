"""The stores of a farm as requests: pages to chunks, dimensions from the model that embeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from planner.blueprint import schema
from planner.diagnostics import Diagnostic, error, has_errors, note, warning
from planner.farm import Farm, FarmModel
from planner.sizing.stores.size import size_store, vector_count
from planner.sizing.stores.values import Parts, StoreRequest, StoreSize

_UNKNOWN = Parts((), ())


def store_sizes(farm: Farm) -> tuple[StoreSize, ...]:
    """Every store of the farm, sized as far as its blueprint says enough; pure.

    What cannot be is an error or a note in the store's diagnostics, and its bytes are None.
    """
    models = {model.name: model for model in farm.models}
    return tuple(
        _store(name, spec, models.get(spec.embed_with or ""))
        for name, spec in farm.blueprint.stores.items()
    )


def _store(name: str, spec: schema.Store, model: FarmModel | None) -> StoreSize:
    path = ("stores", name)
    dimensions, found = _dimensions(spec, model, path)
    if spec.overlap >= spec.chunk:
        found.append(
            error(
                f"an overlap of {spec.overlap} tokens leaves no step in a chunk of {spec.chunk}",
                *path,
                "overlap",
                value=spec.overlap,
                detail="each chunk would start where the last one did, without end",
                advice=f"write an overlap below {spec.chunk}, such as {spec.chunk // 8}",
            )
        )
    elif model is not None:
        found += _cut(spec, model, path)
    if not spec.on:
        found.append(note(f"{name} has no host, and takes no room anywhere", *path,
                          advice=f"write stores.{name}.on"))  # fmt: skip
    if spec.pages is None:
        found.append(
            note(
                f"{name} has no pages, so its size is not known", *path, advice="write pages: 5000"
            )
        )
    if has_errors(found) or spec.pages is None or dimensions is None:
        return StoreSize(name, spec.engine, spec.on, None, dimensions, (), _UNKNOWN, tuple(found))
    vectors = vector_count(spec.pages, spec.tokens_per_page, spec.chunk, spec.overlap)
    parts, refused = size_store(_request(spec, vectors, dimensions), *path)
    found += [*refused, *(item for item in _at(parts.diagnostics, path))]
    if has_errors(refused):
        return StoreSize(name, spec.engine, spec.on, None, dimensions, (), _UNKNOWN, tuple(found))
    steps = _steps(spec, vectors, dimensions)
    return StoreSize(name, spec.engine, spec.on, vectors, dimensions, steps, parts, tuple(found))


def _at(found: Iterable[Diagnostic], path: tuple[str, ...]) -> Iterable[Diagnostic]:
    return (item if item.path else replace(item, path=path) for item in found)


def _request(spec: schema.Store, vectors: int, dimensions: int) -> StoreRequest:
    written = {key: getattr(spec.keep, key) for key in sorted(spec.keep.model_fields_set)}
    return StoreRequest(
        engine=spec.engine,
        vectors=vectors,
        dimensions=dimensions,
        tokens=vectors * spec.chunk,
        index=spec.index,
        quantization=spec.quantization,
        precision=spec.precision,
        m=spec.m,
        lists=spec.lists,
        keep={key: where.value for key, where in written.items() if where is not None},
    )


def _steps(spec: schema.Store, vectors: int, dimensions: int) -> tuple[str, ...]:
    pages = spec.pages or 0
    tokens = pages * spec.tokens_per_page
    return (
        f"{pages:,} pages x {spec.tokens_per_page} tokens = {tokens:,} tokens",
        f"{tokens:,} / ({spec.chunk} - {spec.overlap}) = {vectors:,} vectors "
        f"of {dimensions:,} dimensions",
    )


def hidden_size(model: FarmModel) -> int | None:
    """Dimensions of a model's vectors, by its files or the catalogue; None is unknown."""
    if model.architecture is not None:
        return model.architecture.hidden
    return model.facts.arch.hidden if model.facts is not None else None


def _dimensions(
    spec: schema.Store, model: FarmModel | None, path: tuple[str, ...]
) -> tuple[int | None, list[Diagnostic]]:
    """The vectors' dimensions: the embedder's hidden size, or fewer when that is written."""
    hidden = hidden_size(model) if model is not None else None
    found: list[Diagnostic] = []
    if model is not None and model.spec.task is not schema.Task.EMBEDDING:
        found.append(
            error(f"{model.name} is a {model.spec.task} model", *path, "embed_with",
                  value=model.name, detail="vectors come from a model that was trained to embed",
                  advice=f"write models.{model.name}.task: embedding, or name one that embeds")
        )  # fmt: skip
    if model is None or hidden is None:
        if spec.dimensions is None:
            found.append(
                note(f"the dimensions of {path[1]} are not known, nor is its size", *path,
                     advice="write embed_with: an embedding model, or dimensions: 1024")
            )  # fmt: skip
        return spec.dimensions, found
    if spec.dimensions is None or spec.dimensions == hidden:
        return hidden, found
    return spec.dimensions, [*found, _mismatch(spec.dimensions, hidden, model.name, path)]


def _mismatch(written: int, hidden: int, model: str, path: tuple[str, ...]) -> Diagnostic:
    if written > hidden:
        return error(
            f"{model} gives {hidden:,} dimensions, not {written:,}", *path, "dimensions",
            value=written, detail="a store refuses vectors of another length than its own",
            advice=f"write dimensions: {hidden}, or take it out",
        )  # fmt: skip
    return warning(
        f"{model} gives {hidden:,} dimensions, of which {written:,} are kept", *path, "dimensions",
        value=written,
        detail="only models trained to be cut (Matryoshka) keep their meaning when shortened",
        advice=f"take it out to keep all {hidden:,}, or check the model's card",
    )  # fmt: skip


def _cut(spec: schema.Store, model: FarmModel, path: tuple[str, ...]) -> list[Diagnostic]:
    longest = model.context
    if longest is None or spec.chunk <= longest:
        return []
    return [
        error(f"{model.name} reads {longest:,} tokens, and a chunk has {spec.chunk:,}", *path,
              "chunk", value=spec.chunk, detail="the rest of each chunk would be left out",
              advice=f"write chunk: {longest}, or less")
    ]  # fmt: skip
