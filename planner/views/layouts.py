"""Draws how a model can be laid out over a host's equal cards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from planner.placement.layouts import Layout, Layouts
from planner.units import tokens
from planner.views.columns import aligned, clip
from planner.views.terminal import Style, clean

_NUMBERS: Final = frozenset({1, 2, 3, 4, 5, 6})
_HEAD: Final = ("layout", "context", "KV tokens", "tokens/s", "in all", "ms/token", "out")

_KEY: Final = "out: per cent of the copies that stop when one card fails"


def layouts_to_text(found: Iterable[Layouts], style: Style) -> str:
    """A table for each model and host: copies and cards, context, speed of one and of all."""
    return "\n\n".join(_table(item, style) for item in found)


def layouts_to_list(found: Iterable[Layouts]) -> list[dict[str, Any]]:
    """The same for scripts; unknown is null, ``out`` the share of copies that one card stops."""
    listed = [asdict(item) for item in found]
    for item in listed:
        for layout in item["layouts"]:
            layout["out"] = round(1 / layout["copies"], 3)
    return listed


def _table(item: Layouts, style: Style) -> str:
    lines = aligned([_HEAD, *(_row(layout) for layout in item.layouts)], right=_NUMBERS)
    cards = sum(layout.cards * layout.copies for layout in item.layouts[:1])
    title = f"{item.model} on the {cards} x {item.device} of {item.host}"
    body = [style.paint(lines[0], "dim")]
    for layout, line in zip(item.layouts, lines[1:], strict=True):
        fault = f"{_name(layout)}  fails: {clean(layout.fault or '')}"
        said = line if layout.works else fault
        body.append(clip(said, style.width))
    body.append(style.paint(_KEY, "dim"))
    return "\n".join([style.paint(clip(clean(title), style.width), "bold"), *body])


def _row(layout: Layout) -> tuple[str, ...]:
    context = layout.max_context
    return (
        _name(layout),
        "-" if not context or not layout.works else tokens(context),
        "-" if layout.kv_tokens is None else f"{layout.kv_tokens:,}",
        "-" if layout.each is None else f"{layout.each:.0f}",
        "-" if layout.total is None else f"{layout.total:.0f}",
        "-" if not layout.each else f"{1000 / layout.each:.1f}",
        f"{100 / layout.copies:.0f}",
    )


def _name(layout: Layout) -> str:
    """``4 copies on one card each``, ``one copy on 4 cards``."""
    cards = "one card" if layout.cards == 1 else f"{layout.cards} cards"
    return (
        f"one copy on {cards}" if layout.copies == 1 else f"{layout.copies} copies on {cards} each"
    )
