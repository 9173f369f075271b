"""RAM and disk of services and the gateway, as far as the catalogue knows them."""

from __future__ import annotations

from typing import Final, NamedTuple

from planner.blueprint import schema
from planner.catalogue.figure import Figure
from planner.catalogue.reader import CatalogueReader
from planner.catalogue.services import find_service
from planner.sizing.values import Term

GATEWAY: Final = "litellm"


class ServiceSize(NamedTuple):
    """One service by its resource name (``services.n8n``, ``gateway``); None is unknown."""

    resource: str
    hosts: tuple[str, ...]
    ram: Term | None
    disk: Term | None

    @property
    def ram_bytes(self) -> int | None:
        """RAM; None is unknown."""
        return None if self.ram is None else self.ram.bytes

    @property
    def disk_bytes(self) -> int | None:
        """Disk; None is unknown."""
        return None if self.disk is None else self.disk.bytes


def service_sizes(blueprint: schema.Blueprint, reader: CatalogueReader) -> tuple[ServiceSize, ...]:
    """Every service and the gateway, which is counted as LiteLLM; pure beside the reader."""
    found = []
    for name, spec in blueprint.services.items():
        image = spec.image if isinstance(spec.image, str) else None
        found.append(_size(f"services.{name}", spec.on, name, image, reader))
    if blueprint.gateway is not None:
        found.append(_size("gateway", blueprint.gateway.on, GATEWAY, None, reader))
    return tuple(found)


def _size(
    resource: str,
    hosts: tuple[str, ...],
    name: str,
    image: str | None,
    reader: CatalogueReader,
) -> ServiceSize:
    row = find_service(reader, name, image)
    if row is None:
        return ServiceSize(resource, hosts, None, None)
    return ServiceSize(resource, hosts, _term(row.name, row.ram), _term(row.name, row.disk))


def _term(name: str, figure: Figure[int] | None) -> Term | None:
    if figure is None:
        return None
    why = f"{name}: {figure.note}" if figure.note else name
    return Term("service", figure.value, why, figure.source.url or figure.source.label())
