"""Reads metrics in the text format of Prometheus, as far as questions about speed need it."""

from __future__ import annotations

import re
from typing import Final

_SAMPLE: Final = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def total(text: str, name: str) -> float | None:
    """The sum of a metric over its labels; None where it is not there or no number."""
    found = [value for key, _, value in _SAMPLE.findall(text) if key == name]
    try:
        return sum(map(float, found)) if found else None
    except ValueError:
        return None


def labels(text: str, name: str) -> dict[str, str]:
    """The labels of a metric's first sample; engines publish settings that way."""
    for key, written, _ in _SAMPLE.findall(text):
        if key == name:
            return dict(_LABEL.findall(written))
    return {}


def rate(text: str, amount: str, seconds: str) -> float | None:
    """One metric divided by another; None before anything was counted."""
    done, took = total(text, amount), total(text, seconds)
    return done / took if done and took else None


def frequency(text: str, seconds: str) -> float | None:
    """How often a second something happens whose seconds a histogram holds: count over sum."""
    return rate(text, f"{seconds}_count", f"{seconds}_sum")
