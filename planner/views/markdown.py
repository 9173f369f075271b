"""Markdown tables whose cells cannot break them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from planner.views.terminal import clean


def escaped(row: Iterable[str]) -> list[str]:
    """Cells on one line each, without control characters, with bars that are only text."""
    return [clean(" ".join(cell.split())).replace("|", "\\|") for cell in row]


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()
) -> list[str]:
    """The lines of a table; ``right`` names the columns that hold numbers."""
    marks = ["---:" if column in right else "---" for column in range(len(head))]
    return [
        f"| {' | '.join(cells)} |" for cells in (escaped(head), marks, *(escaped(r) for r in rows))
    ]
