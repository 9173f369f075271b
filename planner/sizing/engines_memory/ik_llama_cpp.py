"""ik_llama.cpp: the modes of its latent (MLA) cache, and what its builds assume.

It counts its builds by commits (``version: 3983 (ddc88bac1)``). Sliding layers keep every cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from planner.sizing.engines_memory.common import EngineMemory, Plan
from planner.sizing.engines_memory.llama_compute import IK, Flavour
from planner.sizing.engines_memory.llama_cpp import build_of, context_of, ubatch_of
from planner.sizing.engines_memory.llama_kv import CacheShape, Latent
from planner.sizing.engines_memory.llama_memory import ledger
from planner.sizing.kv import KvTypes
from planner.units import MIB

_NARROW_MASK_FROM: Final = 3907  # pull 825, October 2025: the mask is 16 bit from the start
_FLASH_FROM: Final = 3928  # pull 863, October 2025: on by default
_LATENT_FROM: Final = 3983  # pull 943, November 2025: -mla 3 by default, none before
MODES: Final = (0, 1, 2, 3)
_AMB: Final = 512  # -amb as its users write it; 0 (no limit) is the default
_SOURCE: Final = "ik_llama.cpp src/llama.cpp, llama_kv_cache_init"


@dataclass(frozen=True, slots=True)
class Mode:
    """One value of ``-mla`` with flash attention on or off: what is kept, and in which type."""

    latent: Latent
    key_in_value_type: bool = False


def mode_of(mla: int, *, flash: bool) -> Mode:
    """What a latent layer keeps: nothing latent (0), with V transposed (1), or the latent alone."""
    if mla == 0:
        return Mode(Latent.EXPANDED)
    if flash:
        return Mode(Latent.KEY)
    if mla == 1:
        return Mode(Latent.KEY_AND_VALUE)
    return Mode(Latent.KEY, key_in_value_type=True)


def ik_llama_cpp(plan: Plan) -> EngineMemory:
    """One cache for all slots; MLA as ``-mla`` says."""
    request, build = plan.request, build_of(plan)
    flash = request.flash_attention
    if flash is None:
        flash = build is None or build >= _FLASH_FROM
    mla = request.mla
    if mla is None:
        mla = 3 if build is None or build >= _LATENT_FROM else 0
    mode = mode_of(mla, flash=flash)
    shape = CacheShape(
        context_of(plan), request.parallel or 1, True, ubatch_of(plan), windows=False,
        latent=mode.latent,
    )  # fmt: skip
    if mode.key_in_value_type and request.architecture.latent_heads:
        plan = replace(plan, kv=KvTypes(plan.kv.value, plan.kv.value))
    amb = _AMB if request.attention_batch is None else request.attention_batch
    return ledger(plan, shape, _flavour(build, mla, amb), flash=flash, notes=_notes(plan, mla, amb))


def _flavour(build: int | None, mla: int, amb: int) -> Flavour:
    """Without a version the larger mask of the older builds is the safer one."""
    narrow = build is not None and build >= _NARROW_MASK_FROM
    return replace(
        IK, mask_bytes=2 if narrow else 6, expands_latent=mla > 1, latent_slice=amb * MIB or None
    )


def _notes(plan: Plan, mla: int, amb: int) -> tuple[str, ...]:
    request = plan.request
    if not request.architecture.latent_heads:
        return ()
    assumed = [] if request.mla is not None else [f"-mla {mla}"]
    if request.attention_batch is None and mla > 1:
        assumed.append(f"-amb {amb}")
    return tuple(assumed)
