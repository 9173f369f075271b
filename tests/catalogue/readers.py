"""Catalogue readers for tests: one over a dictionary, one that counts what is read."""

from collections.abc import Mapping
from typing import Any

from planner.catalogue.reader import CatalogueError, CatalogueReader

Rows = Mapping[str, Mapping[str, Mapping[str, Any]]]


class MemoryCatalogue:
    """A CatalogueReader over ``{kind: {name: row}}``."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def names(self, kind: str) -> tuple[str, ...]:
        return tuple(sorted(self._rows.get(kind, {})))

    def read(self, kind: str, name: str) -> Mapping[str, Any]:
        try:
            return self._rows[kind][name]
        except KeyError:
            raise CatalogueError(f"catalogue {kind}/{name}.yaml: cannot be read") from None


class CountingCatalogue:
    """Passes everything on and remembers which rows were read."""

    def __init__(self, inner: CatalogueReader) -> None:
        self._inner = inner
        self.reads: set[str] = set()

    def names(self, kind: str) -> tuple[str, ...]:
        return self._inner.names(kind)

    def read(self, kind: str, name: str) -> Mapping[str, Any]:
        self.reads.add(f"{kind}/{name}")
        return self._inner.read(kind, name)
