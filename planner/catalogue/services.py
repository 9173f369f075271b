"""Services beside the models: what RAM and disk they take, where somebody says so."""

from __future__ import annotations

from typing import NamedTuple

from planner.catalogue.figure import Figure
from planner.catalogue.reader import TABLES, CatalogueReader
from planner.catalogue.row import open_row
from planner.units import MIB

_WHERE = f"catalogue {TABLES}/services.yaml"


class ServiceFacts(NamedTuple):
    """A service by its name or its image; bytes with their sources, None is unknown."""

    name: str
    images: tuple[str, ...]
    ram: Figure[int] | None
    disk: Figure[int] | None


def all_services(reader: CatalogueReader) -> tuple[ServiceFacts, ...]:
    """Every row. Raises CatalogueError when the table is malformed."""
    table = open_row(reader.read(TABLES, "services"), _WHERE)
    found = tuple(
        ServiceFacts(
            row.text("name"),
            row.texts("images"),
            row.figure("ram_mib", lambda mib: int(mib * MIB)),
            row.figure("disk_gb", lambda gb: int(gb * 10**9)),
        )
        for row in table.rows("services")
    )
    table.done()
    return found


def find_service(reader: CatalogueReader, name: str, image: str | None) -> ServiceFacts | None:
    """The row for a service's name, or for the image it runs; None when nobody says."""
    for row in all_services(reader):
        if name == row.name or (image and any(known in image for known in row.images)):
            return row
    return None
