"""``size``: one replica of one model on given devices becomes a report made of terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from planner.diagnostics import Diagnostic, error, has_errors, note
from planner.sizing.adapters import RANKS
from planner.sizing.architecture import Kind
from planner.sizing.cold_start import cold_start
from planner.sizing.engines_memory import ENGINES, Engine, EngineMemory, Plan, engine_name
from planner.sizing.engines_memory.draft import TOKENS as DRAFTED
from planner.sizing.engines_memory.draft import check_draft, draft_plan, speed_up
from planner.sizing.kv import KvTypes, UnknownKvType, bytes_per_token, parse_kv_types
from planner.sizing.prefill import prefill
from planner.sizing.quantization import (
    Quantization,
    Storage,
    UnknownQuantization,
    parse_quantization,
)
from planner.sizing.speed import decode
from planner.sizing.values import DeviceSize, HostSize, SizeReport, SizeRequest, Speed
from planner.units import gib

_MEANT: Final = {
    Kind.LANGUAGE: "a language model",
    Kind.EMBEDDING: "an embedding or rerank model",
    Kind.SPEECH: "a Whisper model",
    Kind.IMAGE: "an image pipeline",
}
_DEFAULT_QUANT: Final = {True: "Q4_K_M", False: "bf16"}


class UnknownEngine(ValueError):
    """Sizing has no memory model for this engine."""


def size(request: SizeRequest) -> SizeReport:
    """Size one replica. Pure; well under 5 ms once an architecture's weights are counted.

    Raises UnknownEngine, UnknownQuantization or UnknownKvType for texts it cannot read.
    """
    engine = engine_of(request.engine)
    plan, found = _plan(request, engine)
    if engine.needs_device and not plan.request.devices:
        return _refused(request, found, _needs_gpu(request))
    if request.architecture.kind not in engine.serves:
        return _refused(request, found, _does_not_serve(request))
    memory = engine.memory(plan)
    decoding = decode(plan) if request.architecture.causal else None
    prompt = prefill(plan) if request.architecture.causal else None
    if request.draft:
        found += _drafting(plan, decoding)
    found += _ram_missing(request, memory)
    if decoding is None and request.architecture.causal and plan.request.devices:
        found.append(_speed_unknown(plan.request))
    unknown = [d.name for d in plan.request.devices if d.memory_bytes is None]
    if unknown:
        found.append(
            error(f"the memory of {unknown[0]} is unknown", advice="write --device-memory 24GiB")
        )
    devices = tuple(
        DeviceSize(device.name, index, device.memory_bytes or 0, terms)
        for index, (device, terms) in enumerate(
            zip(plan.request.devices, memory.devices, strict=False)
        )
    )
    per_token = bytes_per_token(request.architecture, plan.kv) or None
    return SizeReport(
        request.model, request.engine, memory.fits and not has_errors(found), devices,
        HostSize(memory.host), per_token, memory.kv_capacity_tokens, memory.max_context, decoding,
        prompt, (*found, *(() if unknown else memory.diagnostics)), memory.share,
        trained_context=request.architecture.max_position or None,
        cold=cold_start(engine, devices, HostSize(memory.host)),
    )  # fmt: skip


def _refused(request: SizeRequest, found: list[Diagnostic], why: Diagnostic) -> SizeReport:
    """A report without terms: the engine would not start."""
    return SizeReport(
        request.model, request.engine, False, (), HostSize(), None, None, None, None, None,
        (*found, why),
    )  # fmt: skip


def _drafting(plan: Plan, alone: Speed | None) -> tuple[Diagnostic, ...]:
    wrong, draft = check_draft(plan.request), draft_plan(plan)
    if wrong or draft is None:
        return wrong
    return speed_up(alone, decode(draft), plan.request.draft_tokens or DRAFTED)


def _ram_missing(request: SizeRequest, memory: EngineMemory) -> tuple[Diagnostic, ...]:
    """For engines whose own answer does not look at it."""
    ram, used = request.host_memory_bytes, sum(term.bytes for term in memory.host)
    if ram is None or used <= ram or has_errors(memory.diagnostics):
        return ()
    return (error(f"the host's RAM lacks {gib(used - ram)}"),)


def _needs_gpu(request: SizeRequest) -> Diagnostic:
    if request.architecture.kind is Kind.IMAGE:
        return error(f"{request.engine} needs a GPU: a CPU takes minutes for a picture")
    return error(
        f"{request.engine} needs a GPU",
        detail="a CPU alone is served by llama.cpp or ik_llama.cpp",
        advice="name a GPU, or choose the engine llama.cpp",
    )


def _does_not_serve(request: SizeRequest) -> Diagnostic:
    kind = request.architecture.kind
    able = [engine.name for engine in ENGINES.values() if kind in engine.serves]
    return error(
        f"{request.engine} runs no {kind} models",
        detail=f"{request.model} is {_MEANT[kind]}",
        advice=f"choose the engine {' or '.join((', '.join(able[:-1]), able[-1]))}"
        if len(able) > 1
        else f"choose the engine {able[0]}",
    )


def _speed_unknown(request: SizeRequest) -> Diagnostic:
    if not request.devices[0].bandwidth:
        return note("decode speed is unknown: write --memory-bandwidth 900GB/s")
    return note(
        "decode speed is unknown: weights lie in RAM, whose bandwidth is not known here; "
        "in planner fit, write --cpu epyc-9374f or --cpu 460.8GB/s"
    )


def engine_of(name: str) -> Engine:
    """The engine of that name. Raises UnknownEngine with the known names."""
    found = ENGINES.get(engine_name(name))
    if found is None:
        raise UnknownEngine(f"no engine {name!r}: planner sizes {', '.join(ENGINES)}")
    return found


def _plan(request: SizeRequest, engine: Engine) -> tuple[Plan, list[Diagnostic]]:
    found: list[Diagnostic] = []
    text = request.quant or _native(request, gguf=engine.gguf)
    quantization = parse_quantization(text, gguf=engine.gguf)
    if request.quant is None and request.gguf is None:
        found.append(note(f"assumed quantization {quantization.name}"))
    if not quantization.exact:
        found.append(
            note(f"{quantization.name!r} leaves tensor types open: read as {_meant(quantization)}")
        )
    kv = parse_kv_types(request.kv_dtype, gguf=engine.gguf)
    pictures = engine.gguf and request.architecture.vision_parameters and not request.images
    if pictures and request.gguf is None:
        found.append(
            note("the image encoder is a file of its own (mmproj): --images counts it too")
        )
    found += _expert_parallel(request)
    if (request.adapter_rank or 1) > RANKS[-1]:
        found.append(error(f"rank {request.adapter_rank} is above {RANKS[-1]}, the largest"))
        request = replace(request, adapter_rank=RANKS[-1])
    if request.devices and _ranks(request) > len(request.devices):
        short = f"{_ranks(request)} ranks on {len(request.devices)} devices"
        found.append(error(f"{short}: tp x pp must not exceed the devices"))
        first = request.devices[0]
        request = replace(request, devices=(first,) * _ranks(request))
    if request.tp and request.architecture.heads % request.tp:
        found.append(
            error(f"{request.architecture.heads} attention heads do not divide by tp {request.tp}")
        )
    return Plan(request, quantization, kv), found


def _expert_parallel(request: SizeRequest) -> tuple[Diagnostic, ...]:
    if not request.expert_parallel:
        return ()
    if not request.architecture.experts:
        return (note(f"{request.model} has no experts to spread: --expert-parallel does nothing"),)
    if request.adapters:
        return (
            error(
                "adapters do not work with --expert-parallel",
                detail="the engines' adapter layers cut each expert over the devices",
                advice="leave --expert-parallel out",
            ),
        )
    return ()


def _native(request: SizeRequest, *, gguf: bool) -> str:
    if request.architecture.family == "gpt_oss":
        return "MXFP4"
    return _DEFAULT_QUANT[gguf]


def _meant(quantization: Quantization) -> str:
    if quantization.storage is Storage.GGUF_MIX and quantization.bits:
        return f"{quantization.bits:.2f} bits per weight"
    return quantization.preset or str(quantization.storage)


def _ranks(request: SizeRequest) -> int:
    return (request.tp or 1) * (request.pp or 1)


__all__ = [
    "KvTypes",
    "UnknownEngine",
    "UnknownKvType",
    "UnknownQuantization",
    "engine_of",
    "size",
]
