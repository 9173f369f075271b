"""What the catalogue needs from whoever reads files: the names of rows and one row at a time."""

from collections.abc import Mapping
from typing import Any, Protocol

from planner.errors import PlannerError

DEVICES = "devices"
CPUS = "cpus"
MODELS = "models"
PIPELINES = "pipelines"
PROVIDERS = "providers"
# the single files: aliases, absent, electricity, exchange_rates, memory_prices, quantizations
TABLES = "tables"


class CatalogueReader(Protocol):
    """Gives rows as plain mappings. Listing names reads no row: one lookup costs one file."""

    def __hash__(self) -> int:
        """Readers are told apart by identity, so that what one gave can be kept."""
        ...

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of all rows of ``kind`` in sorted order, without reading them."""
        ...

    def read(self, kind: str, name: str) -> Mapping[str, Any]:
        """Return one row. Raises CatalogueError when it is absent or not a mapping."""
        ...


class CatalogueError(PlannerError):
    """A catalogue row is missing or malformed; the message names the file and the key.

    Only an edited or badly packaged row causes it, never a blueprint.
    """
