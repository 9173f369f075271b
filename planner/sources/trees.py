"""Writes rendered files into a local folder, for people to read and for Git to keep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from planner.errors import UsageError

_MARK: Final = ".planner-render"


def write_tree(folder: Path, files: Mapping[str, str]) -> None:
    """Make ``folder`` hold exactly ``files``, by relative path.

    A folder that holds anything else than an earlier render is left alone. Raises UsageError then,
    or when it cannot be written.
    """
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
            raise UsageError(
                "the folder is not empty, and no earlier render is in it",
                where=str(folder),
                advice="name another folder with --output",
            )
        for old in _earlier(folder):
            old.unlink(missing_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).write_text("".join(f"{name}\n" for name in sorted(files)))
    except OSError as fault:
        raise UsageError(
            "the folder cannot be written", where=str(folder), cause=str(fault)
        ) from fault


def _earlier(folder: Path) -> list[Path]:
    mark = folder / _MARK
    if not mark.exists():
        return []
    root = folder.resolve()
    paths = [folder / name for name in mark.read_text().splitlines()]
    return [path for path in paths if path.resolve().is_relative_to(root)]
