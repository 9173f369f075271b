"""Small farms as values, and sizers that take what a test says: no catalogue, no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from planner.blueprint import schema
from planner.catalogue.device import Device, DeviceKind
from planner.catalogue.figure import Evidence, Figure, Source
from planner.farm import Farm, FarmHost, FarmModel, HostDevice, ModelSource, SourceKind
from planner.sizing.values import DeviceSize, HostSize, SizeReport, Speed, Term
from planner.units import GIB, MIB

SHEET = Source("sheet", "https://example.org/sheet", "2026-05-01", Evidence.READ)
Size = Callable[[FarmModel, FarmHost, tuple[HostDevice, ...]], SizeReport]


def figure(value: int | None) -> Figure[Decimal] | None:
    """Watts with a source, or unknown."""
    return None if value is None else Figure(Decimal(value), SHEET)


def device(
    name: str = "rtx-4090", mib: int = 24564, tdp: int | None = 450, idle: int | None = None
) -> Device:
    """A GPU of the catalogue with only what placement and cost read."""
    unknown: dict[str, Any] = dict.fromkeys(Device.__annotations__)
    known: dict[str, Any] = {
        "id": name,
        "name": name,
        "vendor": "nvidia",
        "architecture": "ada",
        "kind": DeviceKind.DISCRETE,
        "nominal_gb": 24,
        "memory": Figure(mib * MIB, SHEET),
        "usable_memory": (),
        "tdp_watts": figure(tdp),
        "idle_watts": figure(idle),
        "nvlink": False,
        "street_prices": (),
        "sources": (SHEET,),
    }
    return Device(**(unknown | known))


def cards(count: int, card: Device | None = None, first: int = 0) -> tuple[HostDevice, ...]:
    """Equal cards of a host."""
    card = card or device()
    memory = card.memory_bytes
    assert memory is not None
    return tuple(HostDevice(first + i, card, memory) for i in range(count))


def host(
    name: str,
    devices: tuple[HostDevice, ...] = (),
    ram: int | None = 64 * GIB,
    disk: int | None = 2 * 10**12,
    cpu: Any = None,
    **spec: Any,
) -> FarmHost:
    """A host; ``spec`` are the keys of the blueprint as written there."""
    written = schema.Host.model_validate(spec)
    address = None if written.rent else f"me@{name}"
    return FarmHost(name, written, devices, cpu, ram, disk, address, "10.0.0.1")


def model(
    name: str, engine: str = "vllm", context: int = 32768, written: bool = True, **spec: Any
) -> FarmModel:
    """A model; ``spec`` are the keys of the blueprint, where ``context`` may not be written."""
    asked = {"context": context} if written else {}
    document = schema.Model.model_validate({"source": f"org/{name}", **asked, **spec})
    source = ModelSource(SourceKind.HUB, f"org/{name}", "0" * 40)
    return FarmModel(name, document, source, None, None, engine, "as written", context)


def farm(hosts: list[FarmHost], models: list[FarmModel], **document: Any) -> Farm:
    """A farm; ``document`` are the other parts of the blueprint (stores, services, budget)."""
    blueprint = schema.Blueprint.model_validate({"planner": 1, "project": "test", **document})
    return Farm("test", blueprint, tuple(hosts), tuple(models))


def report(
    model: FarmModel,
    devices: tuple[HostDevice, ...],
    per_card: int,
    ram: int = 0,
    fits: bool | None = None,
    max_context: int | None = None,
) -> SizeReport:
    """A report that says exactly these bytes; it fits when no card is smaller, unless told."""
    sizes = tuple(
        DeviceSize(d.device.id, d.index, d.memory_bytes, (Term("weights", per_card, "told"),))
        for d in devices
    )
    speed = Speed(80, 100, 120) if devices else Speed(8, 10, 12)
    works = all(size.free_bytes >= 0 for size in sizes) if fits is None else fits
    return SizeReport(
        model=model.name,
        engine=model.engine,
        fits=works,
        devices=sizes,
        host=HostSize((Term("engine", ram, "told"),) if ram else ()),
        kv_bytes_per_token=98304,
        kv_capacity_tokens=max_context,
        max_context=max_context,
        decode=speed,
        prefill=None,
    )


def sizer(need: Mapping[str, int], ram: Mapping[str, int] | None = None) -> Size:
    """Bytes per card by model name, split over the cards given; all of it in RAM without cards."""

    def size(model: FarmModel, host: FarmHost, devices: tuple[HostDevice, ...]) -> SizeReport:
        extra = (ram or {}).get(model.name, 0)
        if not devices:
            return report(model, (), 0, need[model.name] + extra)
        return report(model, devices, need[model.name] // len(devices), extra)

    return size
