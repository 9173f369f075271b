"""Speech servers: Whisper's weights, what each audio window keeps, and a workspace.

Held against faster-whisper's published benchmark (large-v2, RTX 3070 Ti, in MiB): float16 4525,
int8 2926, float16 with 8 windows at once 6090; whisper.cpp float16 4127.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planner.diagnostics import note
from planner.sizing.architecture import Architecture
from planner.sizing.engines_memory.common import (
    EngineMemory,
    Plan,
    computed_in,
    correction,
    on_one_device,
    term,
)
from planner.sizing.kv import bytes_per_token
from planner.sizing.quantization import Quantization, Storage
from planner.sizing.weights import checkpoint_bytes
from planner.units import MIB

_FRAMES: Final = 1500
_BEAMS: Final = 5


@dataclass(frozen=True, slots=True)
class Rules:
    """``frame_copies`` is how many values of the encoder's width are alive for each frame,
    ``context`` what CUDA and libraries take, ``process`` the process in RAM."""

    frame_copies: int
    context: int
    process: int
    source: str


CTRANSLATE2: Final = Rules(
    150, 450 * MIB, 400 * MIB, "faster-whisper's benchmark: large-v2, beam 5, one and 8 windows"
)
WHISPER_CPP: Final = Rules(
    82, 300 * MIB, 300 * MIB, "whisper.cpp with flash attention in faster-whisper's benchmark"
)


def faster_whisper(plan: Plan) -> EngineMemory:
    """faster-whisper (CTranslate2), which speaches serves."""
    return _memory(plan, CTRANSLATE2)


def whisper_cpp(plan: Plan) -> EngineMemory:
    """whisper.cpp's server."""
    return _memory(plan, WHISPER_CPP)


def _memory(plan: Plan, rules: Rules) -> EngineMemory:
    request, a = plan.request, plan.request.architecture
    quantization = computed_in(plan)
    windows, width = request.parallel or 1, 2 if request.devices else 4
    tokens = request.context or a.max_position
    crossed = sum(layer.conv_elements for layer in a.layers) * width * windows
    decoded = bytes_per_token(a, plan.kv) * tokens * _BEAMS * width // 2
    terms = (
        term(
            "weights", _weights(a, quantization) + correction(plan),
            f"{a.parameters:,} parameters as {quantization.storage}", "tensor shapes",
        ),
        term(
            "kv_cache", crossed + decoded,
            f"{windows} windows of 30 s x {_FRAMES} frames, {_BEAMS} beams of {tokens} tokens",
            rules.source,
        ),
        term(
            "activations", rules.frame_copies * _FRAMES * a.hidden * width,
            f"{_FRAMES} frames x {a.hidden} x {rules.frame_copies} values, fitted", rules.source,
        ),
        term("graphs", 0, "none"),
        term("adapters", 0, "none"),
        term(
            "runtime", rules.context if request.devices else rules.process,
            "CUDA context and libraries, an estimate" if request.devices else "process",
        ),
    )  # fmt: skip
    found = () if request.parallel else (note("assumed one window of 30 s at a time"),)
    host = (term("runtime", rules.process, "process; a rough figure"),)
    return on_one_device(plan, terms, host, found, "write --quant int8, or fewer --parallel")


def _weights(a: Architecture, quantization: Quantization) -> int:
    """Here int8 means every matrix, the token table included."""
    if quantization.storage is Storage.INT8:
        return a.parameters
    return checkpoint_bytes(a, quantization)
