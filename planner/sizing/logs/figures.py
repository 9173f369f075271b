"""Figures as logs print them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from planner.units import GIB, MIB


def from_gib(text: str) -> int:
    """Bytes of a number of GiB, as exact as the log printed it."""
    return round(float(text) * GIB)


def from_mib(text: str) -> int:
    """Bytes of a number of MiB."""
    return round(float(text) * MIB)


def count(text: str) -> int:
    """A whole number, with or without commas."""
    return int(text.replace(",", ""))


def total(figures: Iterable[int]) -> int | None:
    """Their sum; None, for unknown, where there are none."""
    found = list(figures)
    return sum(found) if found else None


def first(pattern: re.Pattern[str], text: str) -> str | None:
    """The first group of the first place that matches."""
    found = pattern.search(text)
    return found[1] if found else None
