"""Diagnostics and failures as text and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any, Final

from planner.diagnostics import Diagnostic, Severity
from planner.errors import PlannerError
from planner.views.terminal import Style, clean

_COLORS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def draw_diagnostics(items: Iterable[Diagnostic], style: Style) -> str:
    """One block a diagnostic: place and summary, then value, why and what to write instead."""
    return "\n".join(_block(item, style) for item in items)


def _block(item: Diagnostic, style: Style) -> str:
    kind = item.severity.value
    place = f"{item.position}: " if item.position else ""
    where = f"{item.where}: " if item.where else ""
    head = _folded(f"{place}{kind}: {where}{clean(item.summary)}", style)
    lines = [head.replace(kind, style.paint(kind, _COLORS[item.severity], "bold"), 1)]
    rows = (("written", item.value), ("why", item.detail), ("instead", item.advice))
    lines += [_row(name, text, style) for name, text in rows if text]
    return "\n".join(lines)


def _folded(text: str, style: Style) -> str:
    """``text`` within the width; what does not fit goes on below, indented. Words stay whole."""
    return textwrap.fill(
        text, style.width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _row(name: str, text: str, style: Style) -> str:
    body = [
        part
        for line in clean(text).splitlines() or [""]
        for part in textwrap.wrap(line, style.width - 12, break_on_hyphens=False) or [""]
    ]
    first = f"  {style.paint(f'{name:<9}', 'dim')} {body[0]}"
    return "\n".join([first, *(f"{'':12}{line}" for line in body[1:])])


def draw_failure(failure: PlannerError, style: Style) -> str:
    """A failure that ended the command."""
    lines = []
    if failure.diagnostics:
        lines.append(draw_diagnostics(failure.diagnostics, style))
    where = f"{failure.where}: " if failure.where else ""
    head = _folded(f"planner: {where}{clean(failure.summary)}", style)
    lines.append(head.replace("planner", style.paint("planner", "red", "bold"), 1))
    rows = (("why", failure.cause), ("next", failure.advice))
    lines += [_row(name, text, style) for name, text in rows if text]
    return "\n".join(lines)


def diagnostic_json(item: Diagnostic) -> dict[str, Any]:
    """A diagnostic as scripts get it."""
    place = item.position
    return {
        "severity": item.severity.value,
        "summary": item.summary,
        "path": item.where,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "value": item.value,
        "detail": item.detail,
        "advice": item.advice,
    }
