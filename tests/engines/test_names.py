"""An engine's name stands in its own file: the rest asks the registry what an engine can do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from planner.engines.registry import ENGINES

ROOT = Path(__file__).parents[2] / "planner"
# An engine's own files, and sizing's: its memory model, and how its log is read. There the names
# are the data.
OWN = ("engines", "sizing/engines_memory", "sizing/logs")


def modules() -> list[Path]:
    own = [ROOT / name for name in OWN]
    return [
        path
        for path in sorted(ROOT.rglob("*.py"))
        if not any(folder in path.parents for folder in own)
    ]


def texts(path: Path) -> list[str]:
    """Text constants of a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_engine_is_named(path: Path) -> None:
    names = {word for engine in ENGINES for word in (engine.name, *engine.aliases)}
    if path.parent.name == "render":
        names -= {"infinity"}  # a number to YAML, no limit to systemd
    assert not names & set(texts(path))


def test_there_are_modules() -> None:
    assert len(modules()) > 200
