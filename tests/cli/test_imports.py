"""A verb imports what it needs: one that reads files never waits for SSH, tables or templates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from planner.cli.verbs import VERBS
from tests.cli.conftest import HOME

HEAVY = {"paramiko", "fabric", "cryptography", "docker", "requests", "rich", "jinja2", "pynvml"}
SHOW = """
import json, sys
from planner.cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules}), sorted(sys.modules)]))
"""


def imported(folder: Path, *words: str) -> tuple[int, set[str], set[str]]:
    """The exit code, and the packages and modules that running `planner WORDS...` imported."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW, *words],
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    code, packages, modules = json.loads(done.stdout.splitlines()[-1])
    return code, set(packages), set(modules)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "home.yaml").write_text(HOME)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["validate", "home.yaml"],
        ["validate", "missing.yaml"],
        ["size", "home.yaml"],
        ["size", "home.yaml", "--explain"],
        ["cost", "estimate", "home.yaml"],
        ["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--quant", "fp8"],
        ["render", "home.yaml"],
        ["schema"],
        ["--version"],
        ["unknown"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(folder: Path, words: list[str]) -> None:
    _, packages, _ = imported(folder, *words)
    assert not packages & HEAVY


def test_init_alone_fills_a_template(folder: Path) -> None:
    code, packages, _ = imported(folder, "init")
    assert code == 0
    assert packages & HEAVY == {"jinja2"}


def test_validate_stops_before_sizing_and_hosts(folder: Path) -> None:
    code, _, modules = imported(folder, "validate", "home.yaml")
    assert code == 0
    later = {"place", "render", "diff", "apply", "deployment", "cost"}
    parts = {name.split(".")[1] for name in modules if name.startswith("planner.")}
    assert not parts & later


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_help_of_a_verb_imports_no_other_verb(folder: Path, verb: tuple[str, str, str]) -> None:
    name, module, _ = verb
    code, packages, modules = imported(folder, *name.split(), "--help")
    assert code == 0
    assert not packages & HEAVY
    own = name.split()[0]
    others = {v.module for v in VERBS if v.name.split()[0] != own}
    # what one verb shares with another is not that verb
    shared = {"destroy": {"apply"}}
    found = {other for other in others if f"planner.cli.{other}" in modules}
    assert found <= shared.get(module, set())


def test_the_check_can_find_something(folder: Path) -> None:
    """A verb that reaches a host does import the road to it."""
    text = HOME.replace("me@192.168.1.10", "local")
    (folder / "home.yaml").write_text(text)
    _, _, modules = imported(folder, "status", "home.yaml")
    assert "planner.remote.local" in modules
