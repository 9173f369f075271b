"""Draws what was predicted for a replica beside what its engine really took."""

from __future__ import annotations

from typing import Any, Final

from planner.sizing.measured import Comparison, Lesson
from planner.units import gib
from planner.views.columns import aligned, clip
from planner.views.terminal import clean

_HEAD: Final = ("memory", "", "predicted", "real", "off by")
_NUMBERS: Final = frozenset({2, 3, 4})


def lesson_lines(lesson: Lesson | None, indent: str = "    ") -> list[str]:
    """A table of every term that was measured; nothing where nothing was."""
    if lesson is None:
        return []
    rows = [(clip(clean(r.place), 24), r.term, *_figures(r), percent(r)) for r in lesson.rows]
    return [indent + line for line in aligned([_HEAD, *rows], right=_NUMBERS)]


def lesson_to_dict(lesson: Lesson | None) -> dict[str, Any] | None:
    """The same for scripts. ``percent`` is how far the prediction is off, null for a real 0."""
    if lesson is None:
        return None
    return {
        "host": lesson.host,
        "measured_at": lesson.when,
        "terms": [
            {
                "place": row.place,
                "name": row.term,
                "unit": row.unit,
                "predicted": row.predicted,
                "real": row.real,
                "percent": None if row.percent is None else round(row.percent, 2),
            }
            for row in lesson.rows
        ],
    }


def lesson_line(lesson: Lesson) -> str:
    """One line: which terms were measured, where and when."""
    terms = ", ".join(dict.fromkeys(row.term for row in lesson.rows))
    return f"measured on {lesson.host}, {lesson.when[:10]}: {terms}"


def percent(row: Comparison) -> str:
    """``+0.3 %``: the prediction is that much above what was measured."""
    return "-" if row.percent is None else f"{row.percent:+.1f} %"


def _figures(row: Comparison) -> tuple[str, str]:
    if row.unit == "tokens":
        return f"{row.predicted:,}", f"{row.real:,}"
    return gib(row.predicted), gib(row.real)
