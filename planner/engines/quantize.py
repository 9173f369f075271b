"""Whether an engine must quantize while it loads, or finds the weights as wanted."""

from __future__ import annotations

from collections.abc import Mapping

from planner.farm import FarmModel


def quantize_at_load(model: FarmModel, methods: Mapping[str, str]) -> str | None:
    """The engine's method when ``quant`` asks for another format than the published files have.

    ``methods`` maps a format's first word to what the engine calls doing it at load. Formats
    beyond it exist only as files that somebody quantized before, and those name themselves.
    """
    wanted, facts = model.quantization, model.facts
    if wanted is None or facts is None or facts.weights.quantization == wanted.name:
        return None
    if any(
        word in model.source.name.lower() for word in (wanted.name.lower(), "fp8", "awq", "gptq")
    ):
        return None
    return next(
        (how for word, how in methods.items() if wanted.name.lower().startswith(word)), None
    )
