"""Options and arguments that several verbs share, and how answers reach standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from planner.diagnostics import Diagnostic
from planner.errors import UsageError


class Format(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"


class ReportFormat(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


BlueprintPath = Annotated[
    Path, typer.Argument(metavar="BLUEPRINT", help="The blueprint's file.", show_default=False)
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="text for people, json for scripts.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
RebalanceOption = Annotated[
    bool,
    typer.Option("--rebalance", help="Let what runs move where that is better: cheaper first."),
]
ReportOption = Annotated[
    ReportFormat, typer.Option("--format", help="text, json, or markdown for a pull request.")
]


def write(text: str) -> None:
    """The answer, to standard output alone. Raises UsageError when it takes nothing any more."""
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        # now rather than as the process ends, where nobody could say what went wrong
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as fault:
        raise UsageError(
            "the answer cannot be written", where="standard output", cause=fault.strerror
        ) from fault


def write_json(value: Any) -> None:
    """A JSON answer, to standard output alone; what could steer a terminal stands there as JSON
    writes it in ASCII."""
    import json

    text = json.dumps(value, indent=2, ensure_ascii=False)
    if not text.replace("\n", "").isprintable():
        safe = (c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
        text = "".join(safe)
    write(text)


def tell(diagnostics: Iterable[Diagnostic]) -> None:
    """Findings, to standard error."""
    from planner.views.messages import draw_diagnostics
    from planner.views.terminal import stderr_style

    text = draw_diagnostics(diagnostics, stderr_style())
    if text:
        print(text, file=sys.stderr)  # noqa: T201


def say(text: str) -> None:
    """A remark, to standard error."""
    print(text, file=sys.stderr)  # noqa: T201
