"""Draws the vector stores of a farm: one line each, the whole arithmetic where it is asked for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from planner.sizing.stores.values import StoreSize
from planner.sizing.values import Term
from planner.units import gib
from planner.views.columns import aligned, clip, pad
from planner.views.terminal import Style, clean


def stores_to_text(stores: Iterable[StoreSize], style: Style, *, explain: bool = False) -> str:
    """A table with a line a store; with ``explain`` every term, formula and source below it."""
    every = tuple(stores)
    if not every:
        return ""
    head = ("store", "engine", "host", "vectors", "RAM", "disk", "page cache")
    lines = aligned([head, *(_row(store) for store in every)], right=frozenset({3, 4, 5, 6}))
    drawn = [style.paint(lines[0], "dim"), *(clip(clean(line), style.width) for line in lines[1:])]
    if explain:
        for store in every:
            drawn += ["", *_explained(store, style)] if store.known else []
    return "\n".join(drawn)


def _row(store: StoreSize) -> tuple[str, ...]:
    return (
        clip(clean(store.name), 16),
        store.engine,
        clip(", ".join(store.hosts) or "-", 12),
        "unknown" if store.vectors is None else f"{store.vectors:,}",
        _shown(store.ram_bytes),
        _shown(store.disk_bytes),
        _shown(store.cache_bytes) if store.parts.cache or not store.known else "-",
    )


def _shown(count: int | None) -> str:
    return "unknown" if count is None else gib(count)


def _explained(store: StoreSize, style: Style) -> list[str]:
    lines = [f"{style.paint(clean(store.name), 'bold')} on {store.engine}"]
    lines += [f"  {step}" for step in store.steps]
    groups = (
        ("RAM", store.parts.ram),
        ("disk", store.parts.disk),
        ("page cache: RAM that Linux lends to files while nobody else needs it", store.parts.cache),
    )
    for title, terms in groups:
        lines += [f"  {title}"] if terms else []
        for term in terms:
            lines.append(f"    {pad(term.name, 14)} {pad(gib(term.bytes), 12, right=True)}")
            lines += _indented(term.why, style)
            lines += _indented(f"source: {term.source}", style) if term.source else []
    return lines


def _indented(text: str, style: Style) -> list[str]:
    return [f"      {line}" for line in textwrap.wrap(clean(text), style.width - 6)]


def stores_to_list(stores: Iterable[StoreSize]) -> list[dict[str, Any]]:
    """The stores for scripts: bytes as integers, unknown as null."""
    return [
        {
            "name": store.name,
            "engine": store.engine,
            "hosts": list(store.hosts),
            "vectors": store.vectors,
            "dimensions": store.dimensions,
            "ram": {"bytes": store.ram_bytes, "terms": _terms(store.parts.ram)},
            "disk": {"bytes": store.disk_bytes, "terms": _terms(store.parts.disk)},
            "page_cache": {"bytes": store.cache_bytes, "terms": _terms(store.parts.cache)},
        }
        for store in stores
    ]


def _terms(terms: Iterable[Term]) -> list[dict[str, Any]]:
    return [
        {"name": term.name, "bytes": term.bytes, "why": term.why, "source": term.source}
        for term in terms
    ]
