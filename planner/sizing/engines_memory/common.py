"""What every engine's memory model gives back, and the arithmetic they share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from planner.diagnostics import Diagnostic, error
from planner.sizing.architecture import Architecture, Kind, Role
from planner.sizing.kv import KvTypes
from planner.sizing.quantization import Quantization, Storage
from planner.sizing.values import Accelerator, SizeRequest, Term
from planner.sizing.weights import checkpoint_bytes
from planner.units import ceil_div, gib

# a card's engine sees less than its driver reports; the driver and firmware keep this share
_DRIVER_SHARE = 0.0175
ESTIMATE: Final = "planner's own estimate"


@dataclass(frozen=True, slots=True)
class Plan:
    """A request with its texts read: what an engine's memory model works from."""

    request: SizeRequest
    quantization: Quantization
    kv: KvTypes


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """Terms per device and on the host; what the KV pool holds; whether it starts at all.

    ``share`` is the part of each card that the engine is told to take, where it takes one.
    """

    devices: tuple[tuple[Term, ...], ...]
    host: tuple[Term, ...]
    fits: bool
    kv_capacity_tokens: int | None
    max_context: int | None
    diagnostics: tuple[Diagnostic, ...] = ()
    share: float | None = None


MemoryModel = Callable[[Plan], EngineMemory]


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that sizing knows: its memory model, the request options it has, what it serves.

    ``start_seconds`` is what a start takes beside reading the files, at best and at worst, and
    ``start_why`` what it does then.
    """

    name: str
    memory: MemoryModel
    options: frozenset[str]
    gguf: bool
    serves: frozenset[Kind] = frozenset({Kind.LANGUAGE, Kind.EMBEDDING})
    default_version: str | None = None
    needs_device: bool = False
    start_seconds: tuple[int, int] = (2, 20)
    start_why: str = "the process and its first batch"


def term(name: str, size: int, why: str, source: str = "") -> Term:
    """A term; a formula's rounding never makes it negative. Bytes without a published source say
    that they are an estimate."""
    count = max(0, int(size))
    return Term(name, count, why, source or (ESTIMATE if count else ""))


def engine_bytes(device: Accelerator) -> int | None:
    """Bytes of a device as its engine's runtime sees them, or None where nothing is known."""
    if device.engine_bytes is not None:
        return device.engine_bytes
    if device.memory_bytes is None:
        return None
    return device.memory_bytes - int(device.memory_bytes * _DRIVER_SHARE)


def correction(plan: Plan) -> int:
    """What the checkpoint's own headers say beyond (or short of) the count from its config."""
    stored = plan.request.checkpoint_bytes
    if stored is None:
        return 0
    quantization = plan.quantization
    if quantization.storage is Storage.NF4_LOADED:  # files keep what loading unpacks
        quantization = replace(quantization, storage=Storage.NF4)
    return stored - checkpoint_bytes(plan.request.architecture, quantization)


def forward_bytes(a: Architecture, tokens: int, ranks: int, experts_per_token: int | None) -> int:
    """Bytes alive at once in 16 bit while ``tokens`` pass one layer: its widest linear's inputs and
    outputs, the residual, and the routed experts' workspace."""
    shared = (t.shape[0] for t in a.tensors if t.role is Role.SHARED_EXPERT)
    widest = ceil_div(max(a.intermediate, max(shared, default=0)), ranks)
    forward = tokens * 3 * (widest + a.hidden) * 2
    if not a.experts:
        return forward
    width = ceil_div(a.expert_width, ranks)
    top = experts_per_token or a.experts_per_token
    return forward + tokens * top * (max(2 * width, a.hidden) + width) * 2


def computed_in(plan: Plan) -> Quantization:
    """How a small server holds its weights: 16 bit become 32 where only a CPU computes."""
    if plan.request.devices or plan.quantization.storage is not Storage.WIDE:
        return plan.quantization
    return Quantization("fp32", Storage.FP32)


def on_one_device(
    plan: Plan,
    terms: tuple[Term, ...],
    host: tuple[Term, ...],
    found: tuple[Diagnostic, ...],
    advice: str,
) -> EngineMemory:
    """The answer of a server that lies whole on the first device, or in RAM without one.

    ``advice`` says what makes it smaller.
    """
    request, need = plan.request, sum(item.bytes for item in terms)
    longest = request.architecture.max_position or None
    if not request.devices:
        ram = request.host_memory_bytes
        return EngineMemory((), terms, ram is None or need <= ram, None, longest, found)
    memory = request.devices[0].memory_bytes
    if memory is not None and need > memory:
        found = (*found, error(f"{show(need - memory)} are missing", advice=advice))
        return EngineMemory((terms, *_idle(plan)), host, False, None, longest, found)
    return EngineMemory((terms, *_idle(plan)), host, True, None, longest, found)


def _idle(plan: Plan) -> tuple[tuple[Term, ...], ...]:
    return ((),) * (len(plan.request.devices) - 1)


def version_of(text: str | None, default: str) -> tuple[int, int]:
    """Major and minor of a version such as ``0.8.5.post1`` or ``0.7.4.dev382+g5ce6``."""
    found = re.search(r"(\d+)\.(\d+)", text or default)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def show(size: int) -> str:
    """Bytes in the sentence of a term."""
    return gib(size)
