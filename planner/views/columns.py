"""Columns of text that line up, also where a character takes two cells of the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def cells(text: str) -> int:
    """Cells that ``text`` takes: wide and full-width characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def clip(text: str, width: int, *, ellipsis: str = "~") -> str:
    """``text`` in at most ``width`` cells; a cut is marked with ``ellipsis`` (one cell)."""
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for char in text:
        used += _cells(char)
        if used > width - 1:
            break
        kept += char
    return kept + ellipsis if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """``text`` filled with spaces to ``width`` cells; numbers stand ``right``."""
    gap = " " * max(0, width - cells(text))
    return gap + text if right else text + gap


def aligned(
    rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset(), gap: str = "  "
) -> list[str]:
    """Rows as lines with equal columns; ``right`` names the columns that hold numbers."""
    every = [tuple(row) for row in rows]
    if not every:
        return []
    widths = [max(cells(row[i]) for row in every) for i in range(len(every[0]))]
    return [
        gap.join(pad(row[i], widths[i], right=i in right) for i in range(len(row))).rstrip()
        for row in every
    ]
