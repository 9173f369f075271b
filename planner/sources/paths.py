"""Paths as a blueprint writes them, and what lies there: never an exception for what is written.

pathlib raises for a name that is too long, a folder that may not be looked into, a user that does
not exist, and links in a circle. All of these mean here: nothing that could be used.
"""

from __future__ import annotations

import os
from pathlib import Path


def local_path(written: str, folder: Path) -> Path:
    """Where a path that stands in a document of ``folder`` leads, without links."""
    path = os.path.join(folder, os.path.expanduser(written))
    try:
        return Path(os.path.realpath(path))
    except OSError:
        return Path(os.path.abspath(path))


def is_folder(path: Path) -> bool:
    """Whether a folder lies there that can be seen."""
    return os.path.isdir(path)


def is_file(path: Path) -> bool:
    """Whether a file lies there that can be seen."""
    return os.path.isfile(path)


def folder_bytes(path: Path) -> int:
    """Bytes of the files right in a folder: a model's files lie side by side, and what was written
    may be the root of a disk."""
    try:
        with os.scandir(path) as items:
            return sum(item.stat().st_size for item in items if item.is_file())
    except OSError:
        return 0
