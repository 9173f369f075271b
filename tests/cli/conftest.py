"""Runs the real command line in this process, and makes files that are no blueprints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from planner.apply import ready
from planner.cli.main import run

HOME = """\
planner: 1
project: home
hosts:
  box: {address: me@192.168.1.10, gpus: [rtx-4090], ram: 64GiB, disk: 1TB}
models:
  chat: {source: Qwen/Qwen3-8B, quant: fp8, context: 32k}
"""


class Answer(NamedTuple):
    """What a command wrote, and its exit code."""

    out: str
    err: str
    code: int


Planner = Callable[..., Answer]


@pytest.fixture
def planner(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Planner:
    """Runs `planner WORDS...` in an empty folder, as a user of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PLANNER_DEBUG", raising=False)
    monkeypatch.setattr(ready, "HEALTHY_SECONDS", 0.0)  # hosts in memory do not die meanwhile

    def call(*words: str) -> Answer:
        capsys.readouterr()
        code = run(list(words))
        seen = capsys.readouterr()
        return Answer(seen.out, seen.err, code)

    return call


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A small blueprint that fits."""
    path = tmp_path / "home.yaml"
    path.write_text(HOME)
    return path


def process(*words: str, **options: object) -> subprocess.Popen[str]:
    """`planner WORDS...` as a process of its own."""
    usual: dict[str, object] = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "stdin": subprocess.DEVNULL,
        "text": True,
        "env": {**os.environ, "NO_COLOR": "1"},
    }
    command = [sys.executable, "-m", "planner.cli.main", *words]
    return subprocess.Popen(command, **{**usual, **options})  # type: ignore[call-overload,no-any-return]
