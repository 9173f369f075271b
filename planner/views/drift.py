"""Draws what differs on hosts beyond their plan. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from planner.diff.drift import Finding
from planner.views.plan import WIDTH
from planner.views.terminal import clean


def drift_to_text(found: Iterable[Finding]) -> str:
    """By host, one line a finding; nothing when there is none."""
    lines: list[str] = []
    host = None
    for item in found:
        if item.host != host:
            host = item.host
            lines += [host]
        text = f"  ! {item.target}: {item.cause}; apply {item.apply}"
        lines += textwrap.wrap(
            clean(text), WIDTH, subsequent_indent="    ", break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
    return "\n".join(["Also found, beyond the plan:", *lines, ""]) if lines else ""


def drift_to_list(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings as scripts read them."""
    return [
        {"host": item.host, "target": item.target, "cause": item.cause, "apply": item.apply}
        for item in found
    ]
