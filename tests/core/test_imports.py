"""Data flows one way: no part imports one that comes after it, and the core reaches nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "planner"

# What each part may import, besides itself; what stands in no row may import everything.
BASICS = {"units", "money", "diagnostics", "errors", "names", "address", "pins", "ports", "secret"}
FACTS = BASICS | {"catalogue", "blueprint"}
FARM = FACTS | {"farm", "sizing"}
ALLOWED = {
    **dict.fromkeys(BASICS, BASICS),
    "catalogue": BASICS,
    "blueprint": BASICS,
    "farm": FARM,
    "sizing": FARM,
    "engines": FARM,
    "resolve": FARM | {"engines"},
    "room": FARM,
    "placement": FARM | {"engines", "room"},
    "cost": FARM | {"placement", "engines"},
    "render": FARM | {"engines", "room"},
    "diff": FARM | {"render"},
    "sources": FARM | {"render"},
    "remote": BASICS,
    "providers": FARM | {"cost"},
    "background": set(),
    "apply": FARM | {"background", "engines", "render", "diff", "remote"},
    "views": FARM | {"engines", "placement", "cost", "render", "diff", "apply"},
}
PURE = {*BASICS, "catalogue", "blueprint", "farm", "sizing", "engines", "resolve", "room"}
PURE |= {"placement", "cost", "render", "diff"}
EFFECTS = {"os", "subprocess", "socket", "time", "random", "secrets", "uuid", "tempfile", "shutil",
           "urllib", "http", "requests", "paramiko", "fabric", "docker", "sys"}  # fmt: skip


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        yield relative.parts[0].removesuffix(".py"), path


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "planner":
                yield from (f"planner.{name.name}" for name in node.names)


@pytest.mark.parametrize(("part", "path"), list(modules()), ids=str)
def test_no_part_imports_a_later_one(part: str, path: Path) -> None:
    if part not in ALLOWED:
        return
    names = [name.split(".")[1] for name in imported(path) if name.startswith("planner.")]
    assert set(names) <= ALLOWED[part] | {part}


@pytest.mark.parametrize(
    "path", [path for part, path in modules() if part in PURE], ids=lambda path: path.stem
)
def test_the_core_reaches_nothing(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(path)} & EFFECTS
