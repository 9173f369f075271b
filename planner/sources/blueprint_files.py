"""Reads a blueprint's or an inventory's file; size, encoding and kind are checked first."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from planner.blueprint.document import Document
from planner.diagnostics import Diagnostic, Position, Severity
from planner.sources.yaml_text import MAX_BYTES, read_yaml, too_large

# How a document is read: at a path, under the name that messages show.
Read = Callable[[Path, str], tuple[Document | None, tuple[Diagnostic, ...]]]


def read_document(path: Path, shown: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """The document at ``path``; ``shown`` is its name in messages. Never raises for bad files."""
    text, fault = _text(path, shown)
    if text is None:
        return None, (fault,) if fault else ()
    return read_yaml(text, shown)


def is_special(path: Path) -> bool:
    """Whether a pipe or a device lies there: reading it could wait for ever."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _text(path: Path, shown: str) -> tuple[str | None, Diagnostic | None]:
    try:
        with path.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None, _fault(
            shown,
            "there is no such file",
            "check the path; `planner init` writes a first blueprint",
        )
    except IsADirectoryError:
        return None, _fault(shown, "this is a folder, not a file", "name the blueprint inside it")
    except OSError as problem:
        return None, _fault(shown, f"cannot be read: {problem.strerror}", "check the permissions")
    if len(raw) > MAX_BYTES:
        return None, too_large(shown, path.stat().st_size)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        return None, _fault(
            shown,
            f"this is not text: byte {problem.start:,} is no UTF-8",
            "name a YAML file, saved as UTF-8",
        )
    if "\0" in text:
        return None, _fault(shown, "this is not text: it holds zero bytes", "name a YAML file")
    if not text.strip():
        return None, _fault(shown, "the file is empty", "`planner init` writes a first blueprint")
    return text, None


def _fault(file: str, summary: str, advice: str) -> Diagnostic:
    return Diagnostic(Severity.ERROR, summary, position=Position(file, 1, 1), advice=advice)
