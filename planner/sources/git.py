"""Reads documents as they stood in a Git revision; `git show` is the only thing that is run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from planner.blueprint.document import Document
from planner.diagnostics import Diagnostic, Position, Severity
from planner.errors import UsageError
from planner.sources.blueprint_files import Read
from planner.sources.yaml_text import MAX_BYTES, read_yaml, too_large


class Revision(NamedTuple):
    """A file in a revision: ``path`` is where it lies, or would lie, in the working tree."""

    name: str
    path: Path

    def __str__(self) -> str:
        return f"{self.name}:{self.path}"


def at_revision(text: str) -> Revision | None:
    """``main:blueprints/home.yaml`` as Git reads it: from the top of the repository.

    None when ``text`` is a file that exists, or names no revision. Raises UsageError where there
    is no repository.
    """
    name, colon, path = text.partition(":")
    if not colon or not name or not path or Path(text).exists():
        return None
    top = _git(["rev-parse", "--show-toplevel"], Path.cwd(), text).decode().strip()
    inside = Path.cwd() if path.startswith(("./", "../")) else Path(top)
    return Revision(_checked(name), _relative(inside / path))


def in_revision(name: str, path: Path) -> Revision:
    """A file of the working tree as it stood in the revision ``name``."""
    return Revision(_checked(name), path)


def reader_of(revision: Revision) -> Read:
    """A reader of documents as they stood then, for the blueprint and what it names.

    What the revision lacks is a diagnostic, as a missing file is.
    """

    def read(path: Path, shown: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
        title = f"{revision.name}:{shown}"
        try:
            folder = path.parent if path.parent.is_dir() else Path.cwd()
            inside = os.path.relpath(path, folder)
            raw = _git(["show", f"{revision.name}:./{inside}"], folder, title)
        except UsageError as fault:
            return None, (_fault(title, fault.cause or fault.summary),)
        if len(raw) > MAX_BYTES:
            return None, (too_large(title, len(raw)),)
        try:
            return read_yaml(raw.decode("utf-8-sig"), title)
        except UnicodeDecodeError:
            return None, (_fault(title, "this is not text"),)

    return read


def _checked(name: str) -> str:
    """A revision's name that Git cannot take for an option."""
    if name.startswith("-") or not name.isprintable() or " " in name:
        raise UsageError(f"{name!r} is no revision", advice="write a branch, a tag or a commit")
    return name


def _relative(path: Path) -> Path:
    return Path(os.path.relpath(path))


def _git(words: list[str], folder: Path, where: str) -> bytes:
    """What git prints. Raises UsageError with what it said instead."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as fault:
        raise UsageError(
            "git cannot be run", where=where, cause=fault.strerror, advice="name two files instead"
        ) from fault
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise UsageError("git does not have it", where=where, cause=said)
    return done.stdout


def _fault(shown: str, summary: str) -> Diagnostic:
    advice = "`git log --oneline -- FILE` lists the revisions that have it"
    return Diagnostic(Severity.ERROR, summary, position=Position(shown, 1, 1), advice=advice)
