"""Whether an engine must quantize while it loads, or finds the weights as wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, error
from planner.farm import FarmModel

_PRECISIONS: Final = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def quantize_at_load(model: FarmModel, methods: Mapping[str, str]) -> str | None:
    """The engine's method when ``quant`` asks for another format than the source's files have.

    ``methods`` maps a format's name to what the engine calls making it at load.
    """
    wanted = model.quantization
    if wanted is None or _stored(model) in (None, wanted.name):
        return None
    return methods.get(wanted.name)


def precision(model: FarmModel) -> str | None:
    """The engine's number type when ``quant`` asks for another plain one than the files have."""
    wanted = model.quantization
    if wanted is None or _stored(model) in (None, wanted.name):
        return None
    return _PRECISIONS.get(wanted.name)


def check_quantization(model: FarmModel, methods: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """An error when the source holds another format and the engine cannot make the wanted one."""
    wanted, stored, facts = model.quantization, _stored(model), model.facts
    if wanted is None or facts is None or stored in (None, wanted.name):
        return ()
    if wanted.family is not Family.SAFETENSORS or wanted.name in {**methods, **_PRECISIONS}:
        return ()
    names = [copy.repository for copy in facts.repackaged if copy.quantization == wanted.name]
    where = f"write source: {names[0]}" if names else f"name a repository that holds {wanted.name}"
    return (
        error(
            f"{model.source.name} holds {stored}, not {wanted.name}",
            "models",
            model.name,
            "quant",
            value=model.spec.quant,
            detail=f"{model.engine} cannot make {wanted.name} while it loads",
            advice=where,
        ),
    )


def _stored(model: FarmModel) -> str | None:
    """The format of the source's own files; None when the catalogue does not know."""
    facts = model.facts
    if facts is None:
        return None
    for copy in facts.repackaged:
        if copy.repository == model.source.name:
            return copy.quantization
    return facts.weights.quantization if facts.id == model.source.name else None
