"""What planner has to say about a document, a size or a plan: a value, gathered, never thrown.

A diagnostic answers four questions: what, where, why, and what to type next. Stages return them
beside their result, so that one run names every mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How much a diagnostic matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Position(NamedTuple):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


DocumentPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    ``path`` is the place in the document (``("models", "chat", "context")``), ``position`` where
    that stands in the file, ``value`` what was written there, ``detail`` why it matters and
    ``advice`` what to write or type instead.
    """

    severity: Severity
    summary: str
    path: DocumentPath = ()
    position: Position | None = None
    value: str | None = None
    detail: str | None = None
    advice: str | None = None

    @property
    def where(self) -> str:
        """The document path as people write it: ``models.chat.on[0]``."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    def at(self, position: Position | None) -> Diagnostic:
        """The same finding, placed in a file."""
        return replace(self, position=position)


def error(
    summary: str,
    *path: str | int,
    value: object = None,
    detail: str | None = None,
    advice: str | None = None,
) -> Diagnostic:
    """An error at a document path."""
    shown = None if value is None else shorten(str(value))
    return Diagnostic(Severity.ERROR, summary, path, None, shown, detail, advice)


def warning(
    summary: str,
    *path: str | int,
    value: object = None,
    detail: str | None = None,
    advice: str | None = None,
) -> Diagnostic:
    """A warning at a document path."""
    shown = None if value is None else shorten(str(value))
    return Diagnostic(Severity.WARNING, summary, path, None, shown, detail, advice)


def note(
    summary: str,
    *path: str | int,
    value: object = None,
    detail: str | None = None,
    advice: str | None = None,
) -> Diagnostic:
    """A remark at a document path: what was assumed or chosen."""
    shown = None if value is None else shorten(str(value))
    return Diagnostic(Severity.NOTE, summary, path, None, shown, detail, advice)


def shorten(text: str, limit: int = 80) -> str:
    """``text`` on one line of at most ``limit`` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them is an error."""
    return any(item.severity is Severity.ERROR for item in diagnostics)
