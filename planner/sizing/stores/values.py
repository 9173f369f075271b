"""What sizing a vector store takes and gives: a request, and terms for RAM, disk and page cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from planner.diagnostics import Diagnostic
from planner.sizing.values import Term

HNSW: Final = "hnsw"
IVF: Final = "ivf"
FLAT: Final = "flat"
NONE: Final = "none"
SCALAR: Final = "scalar"
BINARY: Final = "binary"
PRODUCT: Final = "product"
FLOAT32: Final = "float32"
FLOAT16: Final = "float16"
VECTORS: Final = "vectors"
QUANTIZED: Final = "quantized"
GRAPH: Final = "graph"
RAM: Final = "ram"
DISK: Final = "disk"


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """One store to be sized.

    ``vectors`` are its entries, ``tokens`` the tokens of their texts (overlaps count again), ``m``
    the links of a graph's node and ``lists`` the clusters of an IVF index (None: the engine's
    default). ``keep`` holds what was written of where parts lie: ``vectors``, ``quantized`` and
    ``graph`` to ``ram`` or ``disk``.
    """

    engine: str
    vectors: int
    dimensions: int
    tokens: int = 0
    index: str | None = None
    quantization: str = NONE
    precision: str = FLOAT32
    m: int | None = None
    lists: int | None = None
    keep: Mapping[str, str] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Bytes of one element as it is stored."""
        return 2 if self.precision == FLOAT16 else 4

    @property
    def raw_bytes(self) -> int:
        """Bytes of the full vectors."""
        return self.vectors * self.dimensions * self.width

    def on_disk(self, part: str) -> bool:
        """Whether the blueprint puts this part on disk."""
        return self.keep.get(part) == DISK


class Parts(NamedTuple):
    """A store's terms. ``ram`` and ``disk`` must be there; ``cache`` is what Linux may hold of the
    files in RAM that nobody else needs: without it every search reads the disk."""

    ram: tuple[Term, ...]
    disk: tuple[Term, ...]
    cache: tuple[Term, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


class StoreEngine(NamedTuple):
    """What a store can do, and how its bytes are counted.

    The first index is its default. ``movable`` gives the parts that may lie on disk; with
    ``together`` graph and vectors lie in one file. ``why`` holds a sentence for each word, or pair
    of words, that this engine refuses. ``limit`` gives the most dimensions and why, or None.
    """

    name: str
    indexes: tuple[str, ...]
    quantizations: tuple[str, ...]
    precisions: tuple[str, ...]
    movable: Callable[[StoreRequest], frozenset[str]]
    why: Mapping[str, str]
    parts: Callable[[StoreRequest], Parts]
    limit: Callable[[StoreRequest], tuple[int, str] | None] = lambda request: None
    together: bool = False


class StoreSize(NamedTuple):
    """The answer for one store. ``vectors`` and ``dimensions`` are None, and there are no terms,
    when the blueprint does not say enough; ``steps`` is the way from pages to vectors in words."""

    name: str
    engine: str
    hosts: tuple[str, ...]
    vectors: int | None
    dimensions: int | None
    steps: tuple[str, ...]
    parts: Parts
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def known(self) -> bool:
        """Whether its bytes are known."""
        return self.vectors is not None and self.dimensions is not None

    @property
    def ram_bytes(self) -> int | None:
        """RAM that must be there; None is unknown."""
        return sum(term.bytes for term in self.parts.ram) if self.known else None

    @property
    def disk_bytes(self) -> int | None:
        """Disk that must be there; None is unknown."""
        return sum(term.bytes for term in self.parts.disk) if self.known else None

    @property
    def cache_bytes(self) -> int | None:
        """Page cache that makes searches fast; None is unknown."""
        return sum(term.bytes for term in self.parts.cache) if self.known else None
