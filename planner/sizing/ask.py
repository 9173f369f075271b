"""From the words of ``planner fit`` to a SizeRequest: names looked up, quantities read.

Pure: the catalogue comes in as a reader, a model's own files as ModelFiles. What was assumed comes
back as notes; what is unknown is raised with what to write instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from planner.catalogue.find_model import ModelMatch, find_model
from planner.catalogue.find_part import find_cpu, find_device, parse_device_spec
from planner.catalogue.match import Match, NotFound
from planner.catalogue.model import hugging_face_config
from planner.catalogue.pipeline import find_pipeline
from planner.catalogue.reader import CatalogueReader
from planner.catalogue.shapes import find_shape
from planner.diagnostics import Diagnostic, has_errors, note
from planner.errors import BlueprintInvalid, UsageError
from planner.sizing.adapters import RANKS
from planner.sizing.architecture import Architecture, UnknownArchitecture
from planner.sizing.architectures import architecture_of
from planner.sizing.architectures.pipelines import pipeline_architecture
from planner.sizing.devices import accelerator, nameless, processor
from planner.sizing.engines_memory import ENGINES, Engine, engine_name, usual_engine
from planner.sizing.gguf import GgufWeights
from planner.sizing.overrides import Trained, check_routing, stretch, stretch_beyond
from planner.sizing.quantization import (
    GGUF_STORAGES,
    Storage,
    UnknownQuantization,
    parse_quantization,
)
from planner.sizing.values import Accelerator, Draft, Processor, SizeRequest

_FLAGS: Final = {"host_memory_bytes": "--ram", "prompt_cache_bytes": "--cache-ram"}
_NAMELESS: Final = ("cuda", "rocm", "gpu", "vulkan", "metal")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What was read of a model's own files: its config or GGUF header, never the weights."""

    name: str
    architecture: Architecture
    gguf: GgufWeights | None = None
    quant: str | None = None
    checkpoint_bytes: int | None = None


class LocalDevice(NamedTuple):
    """A card of this machine: its driver's name and bytes for it, None where it has no figure."""

    name: str
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """The words of the command line. ``options`` holds what was given, by request field;
    ``engine`` None leaves the choice.

    ``local`` are this machine's cards where ``on`` asks for them, ``yarn`` the factor that was
    written. ``cpu`` is the host's beside devices, for what lies in RAM: a name or bytes a second.
    """

    model: str
    engine: str | None
    on: str
    device_memory: int | None = None
    memory_bandwidth: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    local: tuple[LocalDevice, ...] = ()
    yarn: float | None = None
    cpu: str | int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, and notes on how names were read."""

    request: SizeRequest
    notes: tuple[Diagnostic, ...]


def ask(question: Question, reader: CatalogueReader, files: ModelFiles | None = None) -> Asked:
    """Build the request.

    Raises UsageError for an engine or option that does not exist, BlueprintInvalid for a model or
    device that is not known.
    """
    notes: list[Diagnostic] = []
    devices, cpu = _hardware(question, reader, notes)
    if question.cpu is not None:
        cpu = _beside(question, question.cpu, devices, reader, notes)
    options = dict(question.options)
    found, published = (files, None) if files else _from_catalogue(question, reader, notes)
    engine = _engine(question, found, notes, devices=bool(devices))
    _check_options(question, engine)
    quant = found.quant or (None if engine.gguf else published)
    if not options.get("quant") and quant:
        options["quant"] = quant
    options["draft"] = _draft(question, engine, reader, notes)
    request = SizeRequest(
        model=found.name, architecture=found.architecture, engine=engine.name, devices=devices,
        cpu=cpu, gguf=found.gguf, checkpoint_bytes=_stored(question, found), **options,
    )  # fmt: skip
    return Asked(request, (*notes, *_overrides(question, request, reader, files)))


def _overrides(
    question: Question, request: SizeRequest, reader: CatalogueReader, files: ModelFiles | None
) -> list[Diagnostic]:
    """What was changed of the model, as far as its weights can follow."""
    found: list[Diagnostic] = []
    a = request.architecture
    if request.experts_per_token:
        top = request.experts_per_token
        refused = check_routing(request.model, a.experts, a.experts_per_token, top, ())
        found += [item for item in refused if has_errors([item])]
    if request.context is None or not a.causal:
        return found
    match = find_model(reader, question.model) if files is None else None
    if isinstance(match, ModelMatch):
        return found + stretch(match.row, request.context, question.yarn, ())[1]
    trained = Trained(request.model, a.max_position or request.context)
    return found + stretch_beyond(trained, request.context, question.yarn, ())[1]


def _engine(
    question: Question, files: ModelFiles, notes: list[Diagnostic], *, devices: bool
) -> Engine:
    if question.engine is None:
        text = question.options.get("quant") or files.quant
        gguf = files.gguf is not None or (text is not None and _is_gguf(text))
        name, why = usual_engine(files.architecture, gguf=gguf, devices=devices)
        notes.append(note(f"engine {name}: {why}"))
        return ENGINES[name]
    engine = ENGINES.get(engine_name(question.engine))
    if engine is None:
        raise UsageError(
            f"engine {question.engine!r} is not known", advice=f"write one of {', '.join(ENGINES)}"
        )
    return engine


def _stored(question: Question, files: ModelFiles) -> int | None:
    """Bytes of the checkpoint where it is loaded as it lies there."""
    written = question.options.get("quant")
    if written is None or files.quant is None:
        return files.checkpoint_bytes
    try:
        same = parse_quantization(written, gguf=False).storage
        return files.checkpoint_bytes if same is _storage(files.quant) else None
    except UnknownQuantization:
        return None


def _storage(quant: str) -> Storage:
    return parse_quantization(quant, gguf=False).storage


def _draft(
    question: Question, engine: Engine, reader: CatalogueReader, notes: list[Diagnostic]
) -> Draft | None:
    name = question.options.get("draft")
    if not name:
        return None
    asked = replace(question, model=name)
    files, published = _from_catalogue(asked, reader, notes)
    quant = files.quant or (None if engine.gguf else published)
    return Draft(files.name, files.architecture, quant)


def _is_gguf(quant: str) -> bool:
    if quant.strip().upper() == "MXFP4_MOE":  # the preset, not the format of safetensors
        return True
    try:
        return parse_quantization(quant, gguf=False).storage in GGUF_STORAGES
    except UnknownQuantization:
        return False


def _check_options(question: Question, engine: Engine) -> None:
    rank = question.options.get("adapter_rank")
    if rank is not None and rank > RANKS[-1]:
        raise UsageError(f"--adapter-rank {rank} is above {RANKS[-1]}, the largest engines allow")
    for name, value in question.options.items():
        if value and name not in engine.options:
            flag = _FLAGS.get(name, "--" + name.replace("_", "-"))
            having = [other.name for other in ENGINES.values() if name in other.options]
            raise UsageError(
                f"{engine.name} has no {flag}",
                cause=f"engines that have it: {', '.join(having)}",
                advice=f"leave {flag} out, or choose another --engine",
            )


def _beside(
    question: Question,
    text: str | int,
    devices: tuple[Accelerator, ...],
    reader: CatalogueReader,
    notes: list[Diagnostic],
) -> Processor:
    """The host's CPU beside devices."""
    if not devices:
        raise UsageError(
            f"--cpu stands beside a device: --on {question.on} is a CPU itself",
            advice="leave --cpu out",
        )
    if isinstance(text, int):
        return Processor("cpu", text)
    found = find_cpu(reader, text)
    if isinstance(found, Match):
        _remember(notes, found.note)
        return processor(found.row)
    near = f"write {' or '.join(found.nearest[:4])}, or " if found.nearest else "write "
    raise BlueprintInvalid(
        f"{text!r} is no CPU of the catalogue",
        advice=f"{near}its bandwidth, such as 460.8GB/s",
    )


def _hardware(
    question: Question, reader: CatalogueReader, notes: list[Diagnostic]
) -> tuple[tuple[Accelerator, ...], Processor | None]:
    if question.local:
        return tuple(_local(card, question, reader, notes) for card in question.local), None
    try:
        name, count = parse_device_spec(question.on)
    except ValueError as wrong:
        raise UsageError(f"--on: {wrong}") from wrong
    lower = name.strip().lower()
    if lower in _NAMELESS:
        card = nameless(lower, question.device_memory, question.memory_bandwidth)
        return (card,) * count, None
    if lower == "cpu":
        return (), Processor("cpu", question.memory_bandwidth, None, count)
    found = find_device(reader, name)
    if isinstance(found, Match):
        _remember(notes, found.note)
        card = accelerator(found.row, question.device_memory, question.memory_bandwidth)
        return (card,) * count, None
    cpu = find_cpu(reader, name)
    if isinstance(cpu, Match):
        _remember(notes, cpu.note)
        return (), processor(cpu.row, question.memory_bandwidth)
    raise _unknown(found, cpu)


def _local(
    card: LocalDevice, question: Question, reader: CatalogueReader, notes: list[Diagnostic]
) -> Accelerator:
    """The catalogue's row with the driver's own bytes; else what the driver says, alone."""
    found = find_device(reader, card.name)
    stated = question.device_memory or card.memory_bytes
    if isinstance(found, NotFound):
        _remember(notes, f"{card.name} is not in the catalogue: its speed is not known")
        return replace(
            nameless(card.name, stated, question.memory_bandwidth),
            engine_bytes=question.device_memory,
        )
    known = accelerator(found.row, question.device_memory, question.memory_bandwidth)
    if question.device_memory or stated is None or stated == found.row.memory_bytes:
        return known
    return replace(known, memory_bytes=stated, engine_bytes=None)


def _unknown(device: NotFound, cpu: NotFound) -> BlueprintInvalid:
    nearest = (*device.nearest, *cpu.nearest)
    advice = f"write {' or '.join(nearest[:4])}" if nearest else None
    also = "a nameless card is cuda with --device-memory 24GiB and --memory-bandwidth 900GB/s"
    return BlueprintInvalid(
        f"{device.name!r} is no device or CPU of the catalogue",
        cause=device.reason,
        advice=f"{advice}; {also}" if advice else also,
    )


def _remember(notes: list[Diagnostic], text: str | None) -> None:
    if text:
        notes.append(note(text))


def _from_catalogue(
    question: Question, reader: CatalogueReader, notes: list[Diagnostic]
) -> tuple[ModelFiles, str | None]:
    """The model as its name says, and the format of the published checkpoint."""
    match = find_model(reader, question.model)
    if isinstance(match, NotFound):
        return _from_shapes(question.model, reader, match, notes)
    _remember(notes, match.note)
    try:
        architecture = catalogue_architecture(match)
    except UnknownArchitecture as wrong:
        raise BlueprintInvalid(f"{match.row.id}: {wrong}") from wrong
    named = match.quantization.name if match.quantization else None
    return ModelFiles(match.row.id, architecture, None, named), match.row.weights.quantization


def _from_shapes(
    name: str, reader: CatalogueReader, missed: NotFound, notes: list[Diagnostic]
) -> tuple[ModelFiles, str | None]:
    """A model known only by its config, or an image pipeline; raises BlueprintInvalid with the
    nearest names."""
    pipeline = find_pipeline(reader, name)
    if isinstance(pipeline, Match):
        _remember(notes, pipeline.note)
        row = pipeline.row
        return ModelFiles(row.id, pipeline_architecture(row)), row.dtype
    found = find_shape(reader, name) if missed.reason is None else missed
    if isinstance(found, NotFound):
        nearest = tuple(dict.fromkeys((*missed.nearest, *found.nearest, *pipeline.nearest)))[:4]
        raise BlueprintInvalid(
            missed.summary,
            advice=(f"write {' or '.join(nearest)}, or " if nearest else "")
            + "give a folder with its config.json, or a GGUF file, or --from-hub",
        )
    _remember(notes, found.note)
    architecture = architecture_of(found.row.config, found.row.architecture)
    return ModelFiles(found.row.id, architecture), None


def catalogue_architecture(match: ModelMatch) -> Architecture:
    """The architecture of a catalogue row. Raises UnknownArchitecture."""
    return architecture_of(hugging_face_config(match.row), match.row.architecture)
