"""Joins blueprint, inventory and catalogue into a farm; every unknown name becomes a diagnostic.

Pure: the catalogue's rows come through a reader, what lies on disk comes as values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from planner.blueprint import schema
from planner.blueprint.source_text import is_local
from planner.catalogue.find_model import find_model
from planner.catalogue.find_part import find_cpu, find_device, parse_device_spec
from planner.catalogue.match import Match, NotFound
from planner.catalogue.model import ModelFacts
from planner.catalogue.quantization import Quantization, find_quantization
from planner.catalogue.reader import CatalogueReader
from planner.diagnostics import Diagnostic, DocumentPath, error, note, warning
from planner.engines.choose import choose_engine
from planner.engines.image_server import NAME
from planner.engines.registry import engine_names, find_engine
from planner.engines.unsafe import unsafe
from planner.farm import (
    AS_WRITTEN,
    Farm,
    FarmAdapter,
    FarmHost,
    FarmModel,
    HostDevice,
    LocalModel,
    ModelSource,
    SourceKind,
)
from planner.names import advise
from planner.pins import Pins
from planner.sizing.overrides import check_arguments, check_experts, stretch

if TYPE_CHECKING:
    from planner.sizing.architecture import Architecture

T = TypeVar("T")


class Resolved(NamedTuple):
    """The farm, and what was found wrong or assumed on the way."""

    farm: Farm
    diagnostics: tuple[Diagnostic, ...]


def resolve(
    blueprint: schema.Blueprint,
    inventory: Mapping[str, schema.Host],
    reader: CatalogueReader,
    local: Mapping[str, LocalModel],
    pins: Pins,
) -> Resolved:
    """The farm that ``blueprint`` and ``inventory`` describe, with the catalogue's facts joined."""
    found: list[Diagnostic] = []
    for name in blueprint.hosts:
        if name in inventory:
            found.append(error(f"host {name!r} also stands in the inventory", "hosts", name,
                               advice="keep it in one of the two"))  # fmt: skip
    every = {**inventory, **blueprint.hosts}
    hosts = tuple(_host(name, spec, reader, found) for name, spec in every.items())
    models = tuple(
        _model(name, blueprint, hosts, local.get(name, LocalModel()), reader, found)
        for name in blueprint.models
    )
    _adapters(blueprint, found)
    return Resolved(Farm(blueprint.project, blueprint, hosts, models, pins), tuple(found))


def _host(
    name: str, spec: schema.Host, reader: CatalogueReader, found: list[Diagnostic]
) -> FarmHost:
    path: DocumentPath = ("hosts", name)
    if (spec.address is None) == (spec.rent is None):
        both = "both an address and rent" if spec.address else "neither an address nor rent"
        advice = "write `address: user@host`, `address: local` or `rent: {...}`"
        found.append(error(f"host {name!r} has {both}", *path, advice=advice))
    cpu = None
    if spec.cpu:
        cpu = _row(find_cpu(reader, spec.cpu), (*path, "cpu"), found)
    devices = _devices(name, spec, reader, found)
    return FarmHost(
        name=name,
        spec=spec,
        devices=devices,
        cpu=cpu,
        ram_bytes=spec.ram,
        disk_bytes=spec.disk or (spec.rent.disk if spec.rent else None),
        address=spec.address,
        listen=spec.listen or private_address(spec.address),
    )


def _devices(
    name: str, spec: schema.Host, reader: CatalogueReader, found: list[Diagnostic]
) -> tuple[HostDevice, ...]:
    wanted: list[tuple[schema.Device, DocumentPath]] = [
        (item, ("hosts", name, "gpus", index)) for index, item in enumerate(spec.gpus)
    ]
    if spec.rent:
        rented = schema.Device(name=spec.rent.gpu)
        wanted += [(rented, ("hosts", name, "rent", "gpu"))] * spec.rent.count
    devices: list[HostDevice] = []
    for item, path in wanted:
        try:
            bare, count = parse_device_spec(item.name)
        except ValueError as fault:
            found.append(error(str(fault), *path, value=item.name))
            continue
        row = _row(find_device(reader, bare), path, found)
        if row is None:
            continue
        memory = item.memory or (row.memory.value if row.memory else None)
        if memory is None:
            advice = f"write {{name: {row.id}, memory: 24GiB}}"
            found.append(
                error(f"what {row.id} reports as memory is not known", *path, advice=advice)
            )
            continue
        for _ in range(count):
            devices.append(HostDevice(len(devices), row, memory, item.uuid if count == 1 else None))
    return tuple(devices)


def _row(answer: Match[T] | NotFound, path: DocumentPath, found: list[Diagnostic]) -> T | None:
    if isinstance(answer, NotFound):
        found.append(error(answer.summary, *path, value=answer.name, advice=answer.advice))
        return None
    if answer.note:
        found.append(note(answer.note, *path))
    return answer.row


def private_address(address: str | None) -> str | None:
    """The IP address in ``user@host:port`` when it is written as a private one, else None."""
    import ipaddress

    if not address:
        return None
    host = address.rpartition("@")[2]
    host = host.partition(":")[0] if host.count(":") == 1 else host.strip("[]")
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return None
    return str(ip) if ip.is_private else None


def parse_source(text: str, local: LocalModel) -> ModelSource:
    """A model's source: a hub repository with an optional ``@commit``, or a path."""
    if is_local(text):
        kind = SourceKind.FOLDER if local.folder else SourceKind.FILE
        return ModelSource(kind, text, None, local.weights.path if local.weights else None)
    name, _, revision = text.partition("@")
    return ModelSource(SourceKind.HUB, name, revision or None)


def _slots(spec: schema.Model, engine: str) -> int:
    """Adapters that live on the device at once; those kept elsewhere still pass through one.

    An engine that reserves nothing loads each of them beside its base, wherever it should live.
    """
    known = find_engine(engine)
    if known is not None and not known.reserves:
        return len(spec.adapters)
    resident = sum(tier is schema.Tier.VRAM for tier in spec.adapters.values())
    return max(resident, 1) if spec.adapters else 0


def _model(
    name: str,
    blueprint: schema.Blueprint,
    hosts: tuple[FarmHost, ...],
    local: LocalModel,
    reader: CatalogueReader,
    found: list[Diagnostic],
) -> FarmModel:
    path: DocumentPath = ("models", name)
    spec, adapters = blueprint.models[name], blueprint.adapters
    source = parse_source(spec.source, local)
    facts, hinted, shaped = _facts(
        spec, source, path, reader, found, known=local.architecture is not None
    )
    architecture = local.architecture or shaped
    quantization = _quantization(spec, local.quant, facts, hinted, path, reader, found)
    engine, why = _engine(spec, source, quantization, hosts, path, found)
    yarn = spec.yarn
    if facts is not None and spec.context is not None:
        yarn, more = stretch(facts, spec.context, spec.yarn, path)
        found += more
    if facts is not None and spec.experts_per_token is not None:
        found += check_experts(facts, spec.experts_per_token, path)
    found += (*check_arguments(spec.extra_args, path), *unsafe(spec, path))
    needs = "`size` and `apply` need it", "`apply` needs it"
    for what, file, need in (
        ("source", local.weights, needs[0]),
        ("image", local.archive, needs[1]),
    ):
        if file is not None and file.bytes is None:
            missing = f"the {what} of {name!r} is not on this machine yet"
            found.append(warning(missing, *path, what, advice=need))
    native = facts.rope.native_context if facts else local.context
    if shaped is not None:
        native = shaped.max_position or None
    carried = tuple(
        FarmAdapter(
            item,
            tier,
            adapters[item].rank,
            source=adapters[item].source,
            local=local.adapters.get(item),
        )
        for item, tier in spec.adapters.items()
        if item in adapters
    )
    return FarmModel(
        name=name,
        spec=spec,
        source=source,
        facts=facts,
        quantization=quantization,
        engine=engine,
        engine_why=why,
        context=spec.context or native,
        yarn=yarn,
        weights=local.weights,
        archive=local.archive,
        architecture=architecture,
        gguf=local.gguf,
        checkpoint_bytes=None if spec.quant else local.checkpoint_bytes,
        adapter_slots=_slots(spec, engine),
        adapter_rank=max((item.rank for item in carried if item.rank), default=None),
        adapters=carried,
    )


def _facts(
    spec: schema.Model,
    source: ModelSource,
    path: DocumentPath,
    reader: CatalogueReader,
    found: list[Diagnostic],
    *,
    known: bool,
) -> tuple[ModelFacts | None, Quantization | None, Architecture | None]:
    """The catalogue's row, the format that the name says, or the bare shape of a model without."""
    if source.kind is not SourceKind.HUB:
        return None, None, None
    answer = find_model(reader, source.name)
    if not isinstance(answer, NotFound):
        if answer.note:
            found.append(note(answer.note, *path, "source"))
        return answer.row, answer.quantization, None
    if spec.footprint is not None or known:
        return None, None, None
    shaped = _shape(answer, (*path, "source"), reader, found)
    if shaped is None:
        advice = answer.advice or "say what it takes: footprint: 8GiB"
        advice += "; or let `planner lock` read its config.json on the hub"
        found.append(error(answer.summary, *path, "source", value=spec.source, advice=advice))
    return None, None, shaped


def _shape(
    missed: NotFound, path: DocumentPath, reader: CatalogueReader, found: list[Diagnostic]
) -> Architecture | None:
    """The architecture of a model without a row of its own, or of an image pipeline; None for one
    of no name known."""
    from planner.catalogue.pipeline import find_pipeline
    from planner.catalogue.shapes import find_shape
    from planner.sizing.architectures import architecture_of

    shape = find_shape(reader, missed.name) if missed.reason is None else None
    if shape is None or isinstance(shape, NotFound):
        # of a repository with one file for every use, that file may be named
        repository = "/".join(missed.name.split("/")[:2])
        pipeline = find_pipeline(reader, repository)
        if isinstance(pipeline, NotFound):
            return None
        from planner.sizing.architectures.pipelines import pipeline_architecture

        return pipeline_architecture(pipeline.row)
    said = f"{shape.row.id} is known by its shape alone: it is sized, its licence is not known"
    found.append(note(shape.note or said, *path, detail=said if shape.note else None))
    return architecture_of(shape.row.config, shape.row.architecture)


def _quantization(
    spec: schema.Model,
    stated: str | None,
    facts: ModelFacts | None,
    hinted: Quantization | None,
    path: DocumentPath,
    reader: CatalogueReader,
    found: list[Diagnostic],
) -> Quantization | None:
    if spec.quant is None and hinted is not None:
        return hinted
    written = spec.quant or stated or (facts.weights.quantization if facts else None)
    if written is None:
        return None
    return _row(find_quantization(reader, written), (*path, "quant"), found)


def _engine(
    spec: schema.Model,
    source: ModelSource,
    quantization: Quantization | None,
    hosts: tuple[FarmHost, ...],
    path: DocumentPath,
    found: list[Diagnostic],
) -> tuple[str, str]:
    if spec.server is not None:
        return _server(spec, path, found)
    if spec.engine:
        engine = find_engine(spec.engine)
        if engine is not None:
            return engine.name, AS_WRITTEN
        known = engine_names()
        unknown = f"engine {spec.engine!r} is not known"
        advice = advise(spec.engine, known, "engines")
        if spec.image is not None:
            advice += "; for a server of your own write server: {port: 8000} and a footprint"
        found.append(error(unknown, *path, "engine", value=spec.engine, advice=advice))
        return spec.engine, AS_WRITTEN
    on = [host for host in hosts if host.name in spec.on] or list(hosts)
    return choose_engine(
        task=spec.task,
        source=source,
        quantization=quantization,
        has_gpu=any(host.devices for host in on),
    )


def _server(spec: schema.Model, path: DocumentPath, found: list[Diagnostic]) -> tuple[str, str]:
    """The name of a server that the blueprint describes: it must say what planner cannot know."""
    if spec.engine and find_engine(spec.engine) is not None:
        found.append(error(f"{spec.engine} is told by planner where it listens", *path, "server",
                           advice="take server out, or engine"))  # fmt: skip
    if spec.image is None and spec.binary is None:
        found.append(error("nothing says what the server is", *path, "server",
                           advice="write image: <registry>/<name>@sha256:<digest>"))  # fmt: skip
    if spec.footprint is None:
        found.append(error("what the server takes is not known", *path, "server",
                           advice="measure it once and write it: footprint: 8GiB"))  # fmt: skip
    return spec.engine or NAME, "described by server"


def _adapters(blueprint: schema.Blueprint, found: list[Diagnostic]) -> None:
    for model_name, model in blueprint.models.items():
        source = model.source.partition("@")[0]
        for name in model.adapters:
            adapter = blueprint.adapters.get(name)
            if adapter is None or adapter.base.partition("@")[0] == source:
                continue
            found.append(error(f"adapter {name!r} was trained on another base", "models",
                               model_name, "adapters", name, value=adapter.base,
                               detail=f"{model_name} is {source}; an adapter's matrices have the "
                               "shapes of its base and mean nothing on another",
                               advice="give it to a model of its own base"))  # fmt: skip
