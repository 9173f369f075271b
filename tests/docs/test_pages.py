"""The pages under docs/ say what is so."""

from __future__ import annotations

import ast
import re
import tomllib

from tests.docs.console import ROOT

MODULES = {
    "pyyaml": "yaml",
    "nvidia-ml-py": "pynvml",
}
# Read by the standard library when a machine has no zone database; nobody imports it.
NEVER_IMPORTED = {"tzdata"}


def dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {re.split(r"[<>=]", item)[0].lower() for item in project["dependencies"]}


def reasons() -> dict[str, str]:
    """What each package is used for, by its name, as docs/dependencies.md has it."""
    text = (ROOT / "docs/dependencies.md").read_text()
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return {row[0].strip().lower(): row[1].strip() for row in rows[2:]}


def imported() -> set[str]:
    """Every package that planner imports anywhere."""
    found: set[str] = set()
    for path in (ROOT / "planner").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found


def test_every_dependency_has_its_reason() -> None:
    assert set(reasons()) == dependencies()


def test_what_is_used_for_something_is_imported_and_nothing_else() -> None:
    used = imported()
    for package, reason in reasons().items():
        if package in NEVER_IMPORTED:
            continue
        waits = reason.startswith("nothing yet")
        assert waits is (MODULES.get(package, package) not in used), package


def test_the_design_names_every_part() -> None:
    text = (ROOT / "docs/design.md").read_text()
    table = "".join(line for line in text.splitlines() if line.startswith("| `"))
    for path in sorted((ROOT / "planner").iterdir()):
        if path.name.startswith("_") or (path.is_dir() and not list(path.glob("*.py"))):
            continue
        name = path.name if path.suffix == ".py" else f"{path.name}/"
        assert f"`planner/{name}`" in table or f"`{name}`" in table, path.name


def test_the_design_names_nothing_that_is_not_there() -> None:
    text = (ROOT / "docs/design.md").read_text()
    for name in re.findall(r"`((?:planner|tests|blueprints|templates)/[\w./]*)`", text):
        assert (ROOT / name).exists(), name
