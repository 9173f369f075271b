"""CPU platforms: cores, and the memory bandwidth that bounds generation on a CPU."""

from decimal import Decimal
from typing import NamedTuple

from planner.catalogue.device import giga
from planner.catalogue.figure import Figure, Source
from planner.catalogue.row import Row, open_row


class MemoryOption(NamedTuple):
    """Another kind of memory the platform takes; bandwidth in bytes per second per socket."""

    memory_type: str
    megatransfers: int
    bandwidth: int
    source: Source


class CpuPlatform(NamedTuple):
    """One CPU with all its memory channels filled.

    ``memory_bandwidth`` is theoretical: channels x megatransfers x 8 bytes, in bytes per second for
    one socket.
    """

    id: str
    name: str
    vendor: str
    cores: Figure[int]
    memory_channels: Figure[int]
    memory_type: str
    megatransfers: Figure[int]
    memory_bandwidth: Figure[int]
    tdp_watts: Figure[Decimal] | None
    options: tuple[MemoryOption, ...]
    note: str | None
    sources: tuple[Source, ...]


def parse_cpu(data: object, where: str) -> CpuPlatform:
    """Turn a row of ``data/cpus`` into a CpuPlatform. Raises CatalogueError naming file and key."""
    row = open_row(data, where)
    cpu = CpuPlatform(
        id=row.text("id"),
        name=row.text("name"),
        vendor=row.text("vendor"),
        cores=row.need("cores", row.figure("cores", int)),
        memory_channels=row.need("memory_channels", row.figure("memory_channels", int)),
        memory_type=row.text("memory_type"),
        megatransfers=row.need("megatransfers", row.figure("megatransfers", int)),
        memory_bandwidth=row.need(
            "memory_bandwidth_gb_s", row.figure("memory_bandwidth_gb_s", giga)
        ),
        tdp_watts=row.figure("tdp_watts", Decimal),
        options=tuple(_option(item) for item in row.rows("memory_options")),
        note=row.opt_text("note"),
        sources=tuple(row.sources.values()),
    )
    row.done()
    return cpu


def _option(row: Row) -> MemoryOption:
    return MemoryOption(
        memory_type=row.text("memory_type"),
        megatransfers=row.integer("megatransfers"),
        bandwidth=giga(row.number("memory_bandwidth_gb_s")),
        source=row.source(),
    )
