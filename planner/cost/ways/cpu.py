"""The farm on CPUs: every host with cards becomes one with RAM, and its models run from that."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from planner.blueprint.schema import Owned
from planner.catalogue.cpu import CpuPlatform
from planner.catalogue.price import MemoryPrice, read_memory_prices
from planner.catalogue.quantization import Family
from planner.catalogue.reader import CatalogueReader
from planner.cost.figures import price
from planner.cost.ways.moved import with_hosts
from planner.cost.ways.values import Draft, Sizer
from planner.engines import choose
from planner.farm import FarmHost, FarmModel, Placement
from planner.money import Money
from planner.sizing.quantization import (
    GGUF_STORAGES,
    Storage,
    UnknownQuantization,
    parse_quantization,
)
from planner.units import GIB, round_up

_MODULE_GIB: Final = 64
_STEP: Final = _MODULE_GIB * GIB
_SYSTEM: Final = 8 * GIB  # for the operating system and what runs beside the models
_WIDE: Final = (Storage.WIDE, Storage.FP32)
_BYTE: Final = (Storage.FP8, Storage.FP8_BLOCK, Storage.INT8)


def cpu_way(
    placement: Placement, cpu: CpuPlatform, reader: CatalogueReader, size: Sizer
) -> Draft | None:
    """Every host with cards as one with ``cpu`` and as much RAM as its models need.

    Of the machine only the RAM has a dated price; the rest is not counted, and is said. None when
    no host has cards.
    """
    hosts = [host for host in placement.farm.hosts if host.devices and host.spec.within is None]
    if not hosts:
        return None
    memory = memory_price(reader, cpu.memory_type)
    bare = {host.name: _without_cards(host, cpu) for host in hosts}
    _, tried = with_hosts(placement, bare, size, on_cpu)
    changed: dict[str, FarmHost] = {}
    said: list[tuple[str, str]] = []
    for name, host in bare.items():
        own = [replica.report for replica in tried.replicas if replica.host.name == name]
        need = sum(report.host.used_bytes for report in own) + _SYSTEM
        ram = round_up(need, _STEP)
        changed[name] = _with_ram(host, ram, memory)
        said.append((name, f"{cpu.id} with {ram // GIB:,} GiB"))
    farm, moved = with_hosts(placement, changed, size, on_cpu)
    return Draft(
        f"CPU and RAM ({cpu.id})", farm, moved, tuple(said), (), _remarks(memory), partial=True
    )


def on_cpu(model: FarmModel) -> FarmModel:
    """The model as a CPU runs it: with an engine that needs no device, its bits kept near."""
    engine = choose.on_cpu(model.engine, model.spec.task)
    written = model.spec.quant or (model.quantization.name if model.quantization else None)
    update = dict.fromkeys(
        ("tensor_parallel", "pipeline_parallel", "gpu_layers", "cpu_moe", "engine_version")
    )
    kept = {"quant": _gguf(written), "kv_dtype": None} if engine.reads is Family.GGUF else {}
    spec = model.spec.model_copy(update={**update, **kept, "engine": engine.name})
    return model._replace(spec=spec, engine=engine.name)


def _gguf(quant: str | None) -> str:
    """The GGUF preset with about as many bits: 16 stay 16, 8 become Q8_0, fewer Q4_K_M."""
    if quant is None:
        return "bf16"
    try:
        storage = parse_quantization(quant, gguf=False).storage
    except UnknownQuantization:
        return quant
    if storage in GGUF_STORAGES:
        return quant
    return "bf16" if storage in _WIDE else "Q8_0" if storage in _BYTE else "Q4_K_M"


def memory_price(reader: CatalogueReader, kind: str) -> MemoryPrice | None:
    """The newest price of modules of that kind ("DDR5 RDIMM"), forecasts left out."""
    for item in read_memory_prices(reader):
        if item.what.startswith(kind) and "forecast" not in item.kind and item.gb == _MODULE_GIB:
            return item
    return None


def _without_cards(host: FarmHost, cpu: CpuPlatform) -> FarmHost:
    spec = host.spec.model_copy(
        update={"rent": None, "owned": None, "gpus": (), "address": f"{host.name}:cpu"}
    )
    power = host.spec.power
    if power is not None:  # its watts are those of the machine with cards
        spec = spec.model_copy(
            update={"power": power.model_copy(update={"idle": None, "loaded": None})}
        )
    return host._replace(spec=spec, devices=(), cpu=cpu, ram_bytes=None, disk_bytes=None)


def _with_ram(host: FarmHost, ram: int, memory: MemoryPrice | None) -> FarmHost:
    host = host._replace(ram_bytes=ram)
    if memory is None:
        return host
    each = memory.price.amount * Decimal(ram) / GIB / memory.gb
    owned = Owned.model_construct(price=Money(each, memory.price.currency), years=4.0)
    return host._replace(spec=host.spec.model_copy(update={"owned": owned}))


def _remarks(memory: MemoryPrice | None) -> tuple[str, ...]:
    speed = "a CPU answers far slower: compare the tokens per second"
    if memory is None:
        return (speed, "what the machines cost is not known, and not counted")
    priced = f"{price(memory.price)} for {memory.gb} GB ({memory.kind}, {memory.period})"
    return (speed, f"only RAM is priced, at {priced}: CPU, board and case are not counted")
