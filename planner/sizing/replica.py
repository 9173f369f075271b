"""A replica of a farm's model on chosen devices, as a request that sizing answers."""

from __future__ import annotations

from dataclasses import replace

from planner.catalogue.model import hugging_face_config
from planner.diagnostics import error, note
from planner.farm import FarmHost, FarmModel, HostDevice
from planner.sizing.architecture import Architecture, UnknownArchitecture
from planner.sizing.architectures import architecture_of
from planner.sizing.devices import accelerator, processor
from planner.sizing.engines_memory import ENGINES, engine_name
from planner.sizing.engines_memory.groups import ONE_POOL
from planner.sizing.kv import UnknownKvType
from planner.sizing.quantization import UnknownQuantization
from planner.sizing.size import UnknownEngine, size
from planner.sizing.tiers import host_terms
from planner.sizing.values import (
    Accelerator,
    DeviceSize,
    HostSize,
    Processor,
    SizeReport,
    SizeRequest,
    Term,
)
from planner.units import ceil_div, gib


class ReplicaSizer:
    """Sizes replicas; an architecture is read once a model, whatever the number of places tried."""

    def __init__(self) -> None:
        self._read: dict[str, Architecture] = {}

    def __call__(
        self, model: FarmModel, host: FarmHost, devices: tuple[HostDevice, ...]
    ) -> SizeReport:
        """What one replica takes on ``devices`` of ``host``; none of them means from RAM alone.

        What cannot be sized is a report that does not fit and says why.
        """
        architecture, footprint = self._architecture(model), model.spec.footprint
        unknown = isinstance(architecture, str) or engine_name(model.engine) not in ENGINES
        if unknown and footprint is not None:
            return _declared(model, devices, footprint)
        if isinstance(architecture, str):
            return _unsized(model, architecture)
        try:
            request = _request(model, host, devices, architecture)
            report = size(request)
        except (UnknownEngine, UnknownQuantization, UnknownKvType) as fault:
            return _unsized(model, str(fault))
        if not model.adapters:
            return report
        shares = (term for device in report.devices for term in device.terms)
        there = sum(term.bytes for term in shares if term.name == "adapters")
        held = host_terms(model, request, there)
        return replace(report, host=HostSize((*report.host.terms, *held))) if held else report

    def architecture(self, model: FarmModel) -> Architecture | None:
        """What the model is made of; None where that is not known."""
        found = self._architecture(model)
        return None if isinstance(found, str) else found

    def request(
        self, model: FarmModel, host: FarmHost, devices: tuple[HostDevice, ...]
    ) -> SizeRequest | None:
        """What is asked of sizing for that replica; None where its architecture is not known."""
        architecture = self._architecture(model)
        if isinstance(architecture, str):
            return None
        return _request(model, host, devices, architecture)

    def _architecture(self, model: FarmModel) -> Architecture | str:
        if model.architecture is not None:
            return model.architecture
        if model.name in self._read:
            return self._read[model.name]
        if model.facts is None:
            return "its architecture is not known: neither its files nor the catalogue say it"
        try:
            architecture = architecture_of(hugging_face_config(model.facts))
        except UnknownArchitecture as fault:
            return str(fault)
        self._read[model.name] = architecture
        return architecture


def _request(
    model: FarmModel,
    host: FarmHost,
    devices: tuple[HostDevice, ...],
    architecture: Architecture,
) -> SizeRequest:
    spec = model.spec
    pipeline = spec.pipeline_parallel
    return SizeRequest(
        model=model.facts.id if model.facts else model.source.name,
        architecture=architecture,
        engine=model.engine,
        engine_version=spec.engine_version or _installed(model.engine),
        devices=tuple(_accelerator(item) for item in devices),
        cpu=_processor(host),
        host_memory_bytes=host.ram_bytes,
        quant=spec.quant or (model.quantization.name if model.quantization else None),
        kv_dtype=spec.kv_dtype,
        context=model.context,
        parallel=spec.parallel,
        ubatch=None if architecture.causal else _whole_inputs(model),
        unified=True if model.engine in ONE_POOL else None,
        tp=spec.tensor_parallel or (len(devices) // (pipeline or 1) or None),
        pp=pipeline,
        gpu_memory_utilization=model.memory_share,
        adapters=model.adapter_slots or None,
        adapter_rank=model.adapter_rank,
        gpu_layers=spec.gpu_layers,
        cpu_moe=spec.cpu_moe,
        override_tensor=spec.override_tensor if devices else (),
        threads=spec.threads,
        experts_per_token=spec.experts_per_token,
        expert_parallel=spec.expert_parallel,
        gguf=model.gguf,
        checkpoint_bytes=model.checkpoint_bytes,
    )


def _whole_inputs(model: FarmModel) -> int | None:
    """An encoder looks at a whole input at once: llama.cpp's batch must hold it."""
    engine = ENGINES.get(engine_name(model.engine))
    return model.context if engine is not None and "ubatch" in engine.options else None


def _installed(name: str) -> str | None:
    """The version that a blueprint gets which names none."""
    engine = ENGINES.get(name)
    return engine.default_version if engine else None


def _accelerator(item: HostDevice) -> Accelerator:
    known = item.device.memory_bytes
    return accelerator(item.device, None if item.memory_bytes == known else item.memory_bytes)


def _processor(host: FarmHost) -> Processor | None:
    if host.cpu is None:
        return None
    row = processor(host.cpu)
    return Processor(row.name, row.bandwidth, row.cores, host.spec.sockets)


def _declared(model: FarmModel, devices: tuple[HostDevice, ...], footprint: int) -> SizeReport:
    """What the blueprint says a model takes, shared evenly by its devices or taken from RAM."""
    why = "as written: footprint"
    share = Term("footprint", ceil_div(footprint, max(1, len(devices))), why, "the blueprint")
    sizes = tuple(
        DeviceSize(item.device.id, item.index, item.memory_bytes, (share,)) for item in devices
    )
    fits = all(size.free_bytes >= 0 for size in sizes)
    host = HostSize() if devices else HostSize((share,))
    said = note(
        f"{model.name!r} is counted with the {gib(footprint)} that are written",
        "models",
        model.name,
    )
    return SizeReport(
        model.name, model.engine, fits, sizes, host, None, None, model.context, None, None, (said,)
    )


def _unsized(model: FarmModel, why: str) -> SizeReport:
    finding = error(f"{model.name!r} cannot be sized: {why}", "models", model.name)
    return SizeReport(
        model.name, model.engine, False, (), HostSize(), None, None, None, None, None, (finding,)
    )
