"""What to change when a replica does not fit: the nearest ways that do, each sized in full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from planner.diagnostics import Diagnostic, has_errors, note
from planner.sizing.architecture import Kind
from planner.sizing.engines_memory.draft import check_draft
from planner.sizing.engines_memory.groups import FLEXIBLE
from planner.sizing.size import engine_of, size
from planner.sizing.values import SizeReport, SizeRequest
from planner.units import gib, tokens

Candidates = Iterator[tuple[str, SizeRequest]]

_MOST: Final = 3
_SHORTEST: Final = 2048
_PRESETS: Final = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "IQ2_M")
_FORMATS: Final = ("fp8", "awq")


@dataclass(frozen=True, slots=True)
class Way:
    """One change that makes it fit: what to type, and what it then takes."""

    change: str
    report: SizeReport


def nearest_ways(request: SizeRequest, first: SizeReport) -> tuple[Way, ...]:
    """Up to three single changes under which ``request`` fits, the least intrusive first.

    ``first`` is the report of the request itself.
    """
    found: list[Way] = []
    for group in _groups(request, first):
        sized = [(change, changed, size(changed)) for change, changed in group]
        way = next((Way(change, report) for change, _, report in sized if report.fits), None)
        way = way or next(filter(None, (_with_less_context(*each) for each in sized)), None)
        if way is not None:
            found.append(way)
        if len(found) == _MOST:
            break
    return tuple(found)


def _with_less_context(change: str, changed: SizeRequest, report: SizeReport) -> Way | None:
    """The change beside the longest context that then fits; None when that is too short."""
    longest = (report.max_context or 0) // 1024 * 1024
    if longest < _SHORTEST * 2 or longest >= (changed.context or longest + 1):
        return None
    shorter = size(replace(changed, context=longest))
    return Way(f"{change} --context {tokens(longest)}", shorter) if shorter.fits else None


def can_be_helped(request: SizeRequest, report: SizeReport) -> bool:
    """Whether memory is what is missing: not where the engine, the draft model or the device's size
    stands in the way."""
    unknown = any(device.memory_bytes is None for device in request.devices)
    return bool(
        not unknown
        and (report.devices or report.host.terms)
        and not has_errors(check_draft(request))
    )


def advise(request: SizeRequest, report: SizeReport) -> tuple[Diagnostic, ...]:
    """The ways as notes. Nothing for a report that fits; says so when no single change helps."""
    if report.fits or not can_be_helped(request, report):
        return ()
    ways = nearest_ways(request, report)
    if not ways:
        return (note("no single change here makes it fit: take a larger device, or more of them"),)
    return tuple(note(f"it fits with {way.change}: {_numbers(way.report)}") for way in ways)


def _numbers(report: SizeReport) -> str:
    parts = []
    if report.devices:
        worst = min(report.devices, key=lambda device: device.free_bytes)
        parts.append(f"{gib(worst.used_bytes)} of {gib(worst.total_bytes)} a device")
    if report.max_context:
        parts.append(f"sequences up to {tokens(report.max_context)}")
    if report.host.used_bytes:
        parts.append(f"{gib(report.host.used_bytes)} of RAM")
    if report.decode:
        parts.append(f"about {report.decode.expected:.0f} tokens/s")
    return ", ".join(parts)


def _groups(request: SizeRequest, report: SizeReport) -> Iterator[Candidates]:
    """Kinds of changes, the least intrusive first; of each kind the first that fits is taken."""
    engine = engine_of(request.engine)
    yield _without(request)
    yield _shorter(request, report)
    yield _smaller_cache(request, gguf=engine.gguf)
    if not engine.gguf:
        yield _fewer(request)
    yield _fewer_adapters(request)
    if "cpu_moe" in engine.options:
        yield _experts_in_ram(request)
    if request.gguf is None:
        yield _smaller(request, gguf=engine.gguf)
        if not engine.gguf:
            yield _other_engine(request)
    yield _more_devices(request, gguf=engine.gguf)


def _without(request: SizeRequest) -> Candidates:
    """Things beside the model that it can do without."""
    if request.prompt_cache_bytes:
        yield "--cache-ram 0", replace(request, prompt_cache_bytes=0)
    if request.draft:
        yield "no --draft", replace(request, draft=None)


def _shorter(request: SizeRequest, report: SizeReport) -> Candidates:
    longest = (report.max_context or 0) // 1024 * 1024
    asked = request.context or request.architecture.max_position
    if _SHORTEST <= longest < asked:
        yield f"--context {tokens(longest)}", replace(request, context=longest)


def _smaller_cache(request: SizeRequest, *, gguf: bool) -> Candidates:
    kind = "q8_0" if gguf else "fp8"
    if request.architecture.causal and (request.kv_dtype or "auto") in ("auto", "f16", "bf16"):
        yield f"--kv-dtype {kind}", replace(request, kv_dtype=kind)


def _fewer(request: SizeRequest) -> Candidates:
    for fewer in (64, 16, 4):
        if fewer < (request.parallel or 256):
            yield f"--parallel {fewer}", replace(request, parallel=fewer)


def _fewer_adapters(request: SizeRequest) -> Candidates:
    count = request.adapters or 0
    for fewer in (count // 2, count // 4, 1):
        if 0 < fewer < count:
            yield f"--adapters {fewer}", replace(request, adapters=fewer)


def _experts_in_ram(request: SizeRequest) -> Candidates:
    if not request.architecture.experts or request.cpu_moe or not request.devices:
        return
    count = len(request.architecture.layers)
    for part in (4, 2, 1):
        yield f"--cpu-moe {count // part}", replace(request, cpu_moe=count // part)


def _other_engine(request: SizeRequest) -> Candidates:
    """llama.cpp takes no more than it needs, and can leave experts in RAM."""
    a = request.architecture
    if a.kind is not Kind.LANGUAGE or not request.devices:
        return
    other = SizeRequest(
        model=request.model, architecture=a, engine=FLEXIBLE, devices=request.devices,
        cpu=request.cpu, host_memory_bytes=request.host_memory_bytes, quant="Q4_K_M",
        context=request.context, experts_per_token=request.experts_per_token, depth=request.depth,
        adapters=request.adapters, adapter_rank=request.adapter_rank,
    )  # fmt: skip
    yield f"--engine {FLEXIBLE} --quant Q4_K_M", other
    if a.experts:
        layers = len(a.layers)
        yield (
            f"--engine {FLEXIBLE} --quant Q4_K_M --cpu-moe {layers}",
            replace(other, cpu_moe=layers),
        )


def _smaller(request: SizeRequest, *, gguf: bool) -> Candidates:
    known = _PRESETS if gguf else _FORMATS
    start = known.index(request.quant) + 1 if request.quant in known else 0
    for quant in known[start:]:
        yield f"--quant {quant}", replace(request, quant=quant)


def _more_devices(request: SizeRequest, *, gguf: bool) -> Candidates:
    for factor in (2, 4):
        count = len(request.devices) * factor
        if not 0 < count <= 16:
            continue
        more = replace(request, devices=request.devices[:1] * count)
        name = f"{request.devices[0].name}x{count}"
        if gguf:
            yield f"--on {name}", more
        elif request.architecture.heads % ((request.tp or 1) * factor) == 0:
            tp = (request.tp or 1) * factor
            yield f"--on {name} --tp {tp}", replace(more, tp=tp)
