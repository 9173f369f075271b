"""llama.cpp and Ollama: what their builds do where a request leaves it open."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from planner.diagnostics import error
from planner.sizing.engines_memory.common import EngineMemory, Plan
from planner.sizing.engines_memory.llama_compute import MAINLINE
from planner.sizing.engines_memory.llama_head import guesses
from planner.sizing.engines_memory.llama_kv import AUTO_SLOTS, CacheShape, Latent
from planner.sizing.engines_memory.llama_memory import ledger
from planner.units import GIB

# Builds at which a mechanism began. Reserving few output rows is assumed only where a version is
# given, because the older, larger buffer is the safer one; the others are assumed to be there.
_LATENT_FROM: Final = 5140  # pull 12801, April 2025
_AUTO_SLOTS_FROM: Final = 6930  # pull 16736, November 2025
_KEY_ONLY_FROM: Final = 7830  # pull 19067, January 2026
_FEW_OUTPUTS_FROM: Final = 9000  # 2026; a log of October and build 11669 show it
_NEWEST: Final = 11669  # versions such as 0.7.0 came after build numbers alone
# ollama envconfig: OLLAMA_CONTEXT_LENGTH, "default: 4k/32k/256k based on VRAM"
_OLLAMA_CONTEXTS: Final = ((48 * GIB, 262_144), (24 * GIB, 32_768))
# what planner installs where a blueprint names no version; a test holds the two together
LATEST: Final = "0.7.0"


def llama_cpp(plan: Plan) -> EngineMemory:
    """llama.cpp's server: unset slots mean four that share one cache."""
    request, build = plan.request, build_of(plan)
    known = _NEWEST if build is None else build
    automatic = AUTO_SLOTS if known >= _AUTO_SLOTS_FROM else 1
    slots = automatic if request.parallel is None else request.parallel
    unified = request.parallel is None if request.unified is None else request.unified
    latent = _latent(known)
    shape = CacheShape(
        context_of(plan), slots, unified, ubatch_of(plan), windows=not request.swa_full,
        latent=latent, snapshots=guesses(plan),
    )  # fmt: skip
    few = build is not None and build >= _FEW_OUTPUTS_FROM
    return _memory(plan, shape, few=few)


def ollama(plan: Plan) -> EngineMemory:
    """Ollama: every parallel request has its own full context."""
    request = plan.request
    slots = request.parallel or 1
    context = (request.context or _ollama_context(plan)) * slots
    return _memory(
        plan, CacheShape(context, slots, False, request.ubatch or 512, windows=True), few=False
    )


def _ollama_context(plan: Plan) -> int:
    """Its default goes by the memory of all cards: 4k below 24 GiB, 32k below 48, else 256k."""
    memory = sum(device.memory_bytes or 0 for device in plan.request.devices)
    usual = next((tokens for least, tokens in _OLLAMA_CONTEXTS if memory >= least), 4096)
    return min(usual, plan.request.architecture.max_position or usual)


def _memory(plan: Plan, shape: CacheShape, *, few: bool) -> EngineMemory:
    flash = plan.request.flash_attention is not False
    found = ledger(plan, shape, None if few else MAINLINE, flash=flash, notes=())
    latent = plan.request.architecture.latent_heads and shape.latent is Latent.KEY
    if not latent or plan.kv.key == plan.kv.value:
        return found
    wrong = error(
        f"a latent (MLA) cache has one type, not {plan.kv}",
        advice=f"write --kv-dtype {plan.kv.key}",
    )
    return replace(found, fits=False, diagnostics=(*found.diagnostics, wrong))


def _latent(build: int) -> Latent:
    if build < _LATENT_FROM:
        return Latent.EXPANDED
    return Latent.KEY if build >= _KEY_ONLY_FROM else Latent.KEY_AND_VALUE


def build_of(plan: Plan) -> int | None:
    """The build number in a version such as ``b11669``; None where no version is given."""
    text = plan.request.engine_version
    if text is None:
        return None
    found = re.search(r"\d{4,6}", text)
    return int(found[0]) if found else _NEWEST


def context_of(plan: Plan) -> int:
    """Tokens of all slots together: as asked, else as trained."""
    return plan.request.context or plan.request.architecture.max_position or 4096


def ubatch_of(plan: Plan) -> int:
    """Tokens of a physical batch."""
    return plan.request.ubatch or min(512, plan.request.batch or 512)
