"""Memory as a bar of letters, one letter a kind of term, and the legend that explains them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from planner.views.terminal import Style

# name of a term: its letter and its colour
MARKS: Final = {
    "weights": ("W", "cyan"),
    "kv_cache": ("K", "green"),
    "activations": ("A", "yellow"),
    "graphs": ("G", "yellow"),
    "adapters": ("L", "red"),
    "runtime": ("R", "dim"),
    "draft": ("D", "magenta"),
    "images": ("I", "magenta"),
    "prompt_cache": ("P", "magenta"),
    "stores": ("S", "cyan"),
    "services": ("N", "dim"),
    "vms": ("V", "dim"),
}
OTHER: Final = ("O", "bold")


def draw_bar(parts: Iterable[tuple[str, int]], total: int, width: int, style: Style) -> str:
    """``parts`` (names of terms with their bytes) of ``total`` bytes in ``width`` columns.

    Cut points are rounded down from running sums, so that the letters of a full bar fill it. What
    is more than ``total`` scales the bar: it is then full, and the figures beside it say by how
    much.
    """
    every = [(name, count) for name, count in parts if count > 0]
    whole = max(total, sum(count for _, count in every), 1)
    bar, drawn, seen = "", 0, 0
    for name, count in every:
        seen += count
        length = width * seen // whole - drawn
        letter, color = MARKS.get(name, OTHER)
        bar += style.paint(letter * length, color)
        drawn += length
    free = "·" if style.unicode else "."
    return f"[{bar}{style.paint(free * (width - drawn), 'dim')}]"


def draw_legend(names: Iterable[str], style: Style) -> str:
    """``W weights  K kv_cache`` for the terms that occur, on as many lines as they need."""
    used = set(names)
    shown = [f"{letter} {name}" for name, (letter, _) in MARKS.items() if name in used]
    shown += [f"{OTHER[0]} other"] if used - set(MARKS) else []
    lines = [""]
    for entry in shown:
        longer = f"{lines[-1]}  {entry}" if lines[-1] else entry
        if len(longer) > style.width and lines[-1]:
            lines.append(entry)
        else:
            lines[-1] = longer
    return "\n".join(style.paint(line, "dim") for line in lines)
