"""The context of a model whose blueprint leaves it open: the longest that fits where it runs.

Without this a model would be refused for the million tokens it was trained for, although nobody
asked for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from planner.diagnostics import Diagnostic, note
from planner.farm import FarmModel
from planner.sizing.values import SizeReport
from planner.units import tokens

STEP: Final = 1024
LEAST: Final = 4096  # what an engine may choose alone; a shorter one is the owner's decision


def with_shorter_context(model: FarmModel, report: SizeReport) -> FarmModel | None:
    """The model with the longest context that ``report`` says would fit, in whole k.

    None when the context was written, is not the trouble, or would be under 4k.
    """
    if model.spec.context is not None or model.context is None:
        return None
    longest = (report.max_context or 0) // STEP * STEP
    return model._replace(context=longest) if LEAST <= longest < model.context else None


def chosen_context(asked: FarmModel, placed: Iterable[FarmModel]) -> FarmModel:
    """``asked`` with the shortest context of its replicas: all must answer the same questions."""
    found = [model.context for model in placed if model.context is not None]
    return asked._replace(context=min(found)) if found else asked


def said_of(asked: FarmModel, chosen: FarmModel) -> tuple[Diagnostic, ...]:
    """A note when the context is another than the model could answer."""
    if asked.context is None or chosen.context is None or chosen.context == asked.context:
        return ()
    return (
        note(
            f"context of {asked.name} is {tokens(chosen.context)}: the longest that fits, "
            f"of {tokens(asked.context)} that it was trained for",
            "models",
            asked.name,
            advice=f"write `context: {tokens(chosen.context)}` to keep it so",
        ),
    )
