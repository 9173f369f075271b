"""Accelerators: what the driver reports, how fast, how hungry, at what street price."""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from planner.catalogue.figure import Figure, Source
from planner.catalogue.row import Row, open_row
from planner.money import Money
from planner.units import GIB, MIB


class DeviceKind(StrEnum):
    """Whether the memory is the card's own or shared with the CPU."""

    DISCRETE = "discrete"
    UNIFIED = "unified"


class UsableMemory(NamedTuple):
    """What a unified machine of that size lets its GPU use by default, in bytes."""

    installed_bytes: int
    usable_bytes: int
    source: Source
    note: str | None


class StreetPrice(NamedTuple):
    """What one piece was offered for; ``low`` equals ``high`` for a single price."""

    condition: str
    low: Money
    high: Money
    source: Source
    note: str | None


class Device(NamedTuple):
    """One kind of accelerator. None is unknown, never zero.

    ``memory`` is bytes as the driver reports them (what fits is decided by this, never by the
    ``nominal_gb`` of the name). Bandwidth and links are bytes per second, speeds are dense
    operations per second (``fp16_flops`` with FP32 accumulate, as inference engines use), watts are
    watts of the whole card.
    """

    id: str
    name: str
    vendor: str
    architecture: str
    kind: DeviceKind
    nominal_gb: int
    memory: Figure[int] | None
    usable_memory: tuple[UsableMemory, ...]
    memory_bandwidth: Figure[int] | None
    fp16_flops: Figure[int] | None
    fp16_accumulate_flops: Figure[int] | None
    fp8_flops: Figure[int] | None
    fp8: bool | None
    compute_capability: Figure[str] | None
    gfx_target: Figure[str] | None
    tdp_watts: Figure[Decimal] | None
    idle_watts: Figure[Decimal] | None
    load_watts: Figure[Decimal] | None
    max_system_watts: Figure[Decimal] | None
    nvlink: bool
    link_bandwidth: Figure[int] | None
    pcie_generation: Figure[int] | None
    street_prices: tuple[StreetPrice, ...]
    note: str | None
    sources: tuple[Source, ...]

    @property
    def memory_bytes(self) -> int | None:
        """Bytes as the driver reports them, or None where no driver's figure is known."""
        return None if self.memory is None else self.memory.value

    @property
    def bandwidth(self) -> int | None:
        """Memory bandwidth in bytes per second, or None."""
        return None if self.memory_bandwidth is None else self.memory_bandwidth.value


def parse_device(data: object, where: str) -> Device:
    """Turn a row of ``data/devices`` into a Device. Raises CatalogueError naming file and key."""
    row = open_row(data, where)
    speed = row.opt_row("tflops")
    watts = row.opt_row("watts")
    device = Device(
        id=row.text("id"),
        name=row.text("name"),
        vendor=row.text("vendor"),
        architecture=row.text("architecture"),
        kind=row.choice("kind", DeviceKind),
        nominal_gb=row.integer("nominal_gb"),
        memory=row.figure("memory_mib", lambda mib: int(mib * MIB)),
        usable_memory=tuple(_usable(item) for item in row.rows("usable_memory")),
        memory_bandwidth=row.figure("memory_bandwidth_gb_s", giga),
        fp16_flops=speed.figure("fp16", _tera) if speed else None,
        fp16_accumulate_flops=speed.figure("fp16_accumulate_fp16", _tera) if speed else None,
        fp8_flops=speed.figure("fp8", _tera) if speed else None,
        fp8=row.opt_flag("fp8"),
        compute_capability=row.text_figure("compute_capability"),
        gfx_target=row.text_figure("gfx_target"),
        tdp_watts=watts.figure("tdp", Decimal) if watts else None,
        idle_watts=watts.figure("idle", Decimal) if watts else None,
        load_watts=watts.figure("load", Decimal) if watts else None,
        max_system_watts=watts.figure("max_system", Decimal) if watts else None,
        nvlink=row.flag("nvlink"),
        link_bandwidth=row.figure("link_gb_s", giga),
        pcie_generation=row.figure("pcie_generation", int),
        street_prices=tuple(_street_price(item) for item in row.rows("street_prices")),
        note=row.opt_text("note"),
        sources=tuple(row.sources.values()),
    )
    row.done()
    return device


def giga(value: Decimal) -> int:
    """Decimal giga-units (GB/s, GB) as whole units."""
    return int(value * 10**9)


def _tera(value: Decimal) -> int:
    return int(value * 10**12)


def _usable(row: Row) -> UsableMemory:
    return UsableMemory(
        installed_bytes=int(row.number("installed_gib") * GIB),
        usable_bytes=int(row.number("usable_gib") * GIB),
        source=row.source(),
        note=row.opt_text("note"),
    )


def _street_price(row: Row) -> StreetPrice:
    currency = row.text("currency")
    return StreetPrice(
        condition=row.text("condition"),
        low=Money(row.number("low"), currency),
        high=Money(row.number("high"), currency),
        source=row.source(),
        note=row.opt_text("note"),
    )
