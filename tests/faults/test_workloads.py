"""Fault: a new version that crash-loops, that never gets ready, that gets ready and dies after 5 s.

The old one is brought back and answers, with exit code 8.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.control import Host
from tests.faults.eight import FULL, Eight

pytestmark = pytest.mark.farm

PROGRAM = "/usr/local/bin/llama-server"
ASK = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"


@pytest.fixture
def stand_in(eight: Eight, monkeypatch: pytest.MonkeyPatch) -> Iterator[Eight]:
    """One model on the host with units, whose engine behaves as its context says."""
    monkeypatch.setenv("PLANNER_HEALTHY", "8")
    if not FULL:
        monkeypatch.setenv("PLANNER_PATIENCE", "20")
    eight.places = {"farm3": ("g",)}
    place = eight.hosts["farm3"].root / PROGRAM[1:]
    shutil.copy(Path(__file__).parent / "stand_in.py", place)
    place.chmod(0o755)
    write(eight, "1k")
    yield eight
    eight.clear()
    place.unlink()


def write(stand_in: Eight, context: str) -> None:
    stand_in.write(context, image=None, binary=PROGRAM, port=29000)


def context(host: Host) -> str:
    """What the engine that serves says its context is."""
    return host.run("python3", "-c", ASK, "http://127.0.0.1:29000/context").stdout.strip()


@pytest.mark.parametrize(
    ("bad", "cause", "seconds"),
    [
        ("2k", "stand-in: out of memory", 60),
        ("3k", "it did not answer within", 300),
        ("4k", "restart", 60),
    ],
    ids=["crash-loops", "never ready", "ready and dies"],
)
def test_the_old_version_is_brought_back(
    stand_in: Eight, bad: str, cause: str, seconds: float
) -> None:
    assert stand_in.apply().code == 0
    before = stand_in.release("farm3")
    write(stand_in, bad)
    answer = stand_in.apply()
    assert answer.code == 8, answer.err
    said = " ".join(answer.err.split())
    for words in ("farm3: verify g-0 failed", f"back on release {before[:8]}", cause, "next"):
        assert words in said, answer.err
    assert answer.seconds < seconds
    assert stand_in.release("farm3") == before
    assert context(stand_in.hosts["farm3"]) == "1024"
    write(stand_in, "1k")
    stand_in.whole()


def test_a_first_version_that_fails_says_that_nothing_serves(stand_in: Eight) -> None:
    write(stand_in, "2k")
    answer = stand_in.apply()
    assert answer.code == 9
    assert "stand-in: out of memory" in answer.err
