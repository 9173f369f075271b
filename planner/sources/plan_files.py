"""Saved plans: reads and writes the JSON file that ``plan --out`` makes for ``apply``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from planner.errors import UsageError

_MOST: Final = 64 << 20


def read_plan_file(path: Path) -> dict[str, Any] | None:
    """The saved plan at ``path``, or None when the file is something else (a blueprint)."""
    try:
        with path.open("rb") as file:
            head = file.read(1)
            if head != b"{":
                return None
            data = json.loads(head + file.read(_MOST))
    except (OSError, ValueError):
        return None  # whoever reads it as a blueprint says what is wrong
    return data if isinstance(data, dict) and "saved" in data else None


def write_plan_file(path: Path, data: dict[str, Any]) -> None:
    """Write a plan for `planner apply`. Raises UsageError when it cannot be written."""
    try:
        path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    except OSError as fault:
        raise UsageError("the plan cannot be saved", where=str(path), cause=str(fault)) from fault
