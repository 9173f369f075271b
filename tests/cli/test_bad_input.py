"""Whatever lies where a blueprint should be: a message that helps, exit code 3, no traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.cli.verbs import VERBS
from tests.cli.conftest import Planner

_NO_BLUEPRINT = {
    "init",
    "fit",
    "train",
    "schema",
    "hosts probe",
    "hosts sudoers",
    "offers",
    "adapters merge",
}
# Every verb that takes a blueprint first. Those that reach hosts must stop before that.
READERS = sorted(
    {verb.name for verb in VERBS} - _NO_BLUEPRINT,
    key=str.split,
)
BOMB = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, here in zip("abcdefgh", "bcdefghi", strict=True)
)
TEN = """\
planner: 2
project: Home!
host: {}
hosts:
  box: {adress: me@x, gpus: [rtx-4090], ram: 64}
  second: {address: me@y, ram: 12XB, within: nobody}
models:
  chat: {source: Qwen/Qwen3-8B, context: 32q, replicas: 0, on: nowhere}
  chat: {source: again}
  more: {quant: fp8, gpu: 3, port: 99999, expose: everywhere}
roles: {guide: {model: nothing}}
budget: {monthly: 400, electricity: 3}
"""
MADE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "blank": lambda path: path.write_text(" \n\n"),
    "only a comment": lambda path: path.write_text("# later\n"),
    "a folder": lambda path: path.mkdir(),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 16),
    "zero bytes": lambda path: path.write_bytes(b"planner: 1\0\n"),
    "not UTF-8": lambda path: path.write_bytes("project: café\n".encode("latin-1")),
    "UTF-16": lambda path: path.write_text("planner: 1\n", encoding="utf-16"),
    "50 MB": lambda path: path.write_bytes(b"planner: 1\n" * (50_000_000 // 11)),
    "a bomb of aliases": lambda path: path.write_text(BOMB),
    "a thousand levels": lambda path: path.write_text("[" * 1000),
    "a list": lambda path: path.write_text("- planner: 1\n"),
    "a word": lambda path: path.write_text("hello\n"),
    "JSON of a plan": lambda path: path.write_text('{"project": "home", "operations": []}'),
    "an unknown tag": lambda path: path.write_text("!!python/object:os.system {}\n"),
    "tabs": lambda path: path.write_text("planner: 1\n\thosts: {}\n"),
    "two documents": lambda path: path.write_text("planner: 1\n---\nplanner: 1\n"),
    "ten mistakes": lambda path: path.write_text(TEN),
    "a huge number": lambda path: path.write_text(f"planner: {'9' * 5000}\n"),
    "keys that are lists": lambda path: path.write_text("{[1]: 2}\n"),
    "half a key": lambda path: path.write_text("planner: 1\nproject\n"),
}


def helps(said: str, place: str) -> None:
    """What is wrong, where, and what to do next; in 80 columns and without a traceback."""
    assert "Traceback" not in said
    assert "fault of planner" not in said
    assert place in said
    assert re.search(r"\berror: \S", said)
    assert re.search(r"^  (instead|next) +\S", said, re.MULTILINE)
    assert re.search(r"^planner: ", said, re.MULTILINE)
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("what", MADE)
def test_no_blueprint_is_said(planner: Planner, what: str) -> None:
    MADE[what](Path("bad.yaml"))
    answer = planner("validate", "bad.yaml")
    assert (answer.code, answer.out) == (3, "")
    helps(answer.err, "bad.yaml:")


@pytest.mark.parametrize("verb", READERS)
@pytest.mark.parametrize("what", ["missing", "empty", "binary", "a bomb of aliases"])
def test_every_verb_says_it(planner: Planner, verb: str, what: str) -> None:
    MADE[what](Path("bad.yaml"))
    answer = planner(*verb.split(), "bad.yaml")
    assert (answer.code, answer.out) == (3, "")
    helps(answer.err, "bad.yaml:")


@pytest.mark.parametrize("what", MADE)
def test_an_inventory_is_read_as_carefully(planner: Planner, what: str) -> None:
    Path("home.yaml").write_text("planner: 1\nproject: home\ninventory: bad.yaml\n")
    MADE[what](Path("bad.yaml"))
    answer = planner("validate", "home.yaml")
    assert (answer.code, answer.out) == (3, "")
    helps(answer.err, "bad.yaml:")


def test_ten_mistakes_are_said_at_once(planner: Planner) -> None:
    Path("bad.yaml").write_text(TEN)
    said = planner("validate", "bad.yaml").err
    places = re.findall(r"^bad\.yaml:(\d+):(\d+): error: ", said, re.MULTILINE)
    assert len(places) == 19
    assert places == sorted(places, key=lambda place: (int(place[0]), int(place[1])))
    for name in ("'adress'", "'gpu'", "'nobody'", "'nowhere'", "'nothing'", "'host'", "twice"):
        assert name in said
    assert "did you mean address?" in said
    assert said.count("planner: 19 mistakes in bad.yaml") == 1


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """As nobody, because root may read everything."""
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "bad.yaml").write_text("planner: 1\n")
    (folder / "bad.yaml").chmod(0)
    code = (
        "import os, sys\n"
        "from planner.cli.main import run\n"
        "import planner.cli.application, planner.cli.validate, planner.workflows\n"
        "import planner.views.messages, planner.views.terminal\n"
        "if os.geteuid() == 0: os.setegid(65534); os.seteuid(65534)\n"
        "sys.exit(run(['validate', 'bad.yaml']))\n"
    )
    folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    helps(done.stderr, "bad.yaml:")
    assert "Permission denied" in done.stderr


def test_a_bomb_and_a_flood_take_little(tmp_path: Path) -> None:
    """In a process that may take 400 MiB: more than any blueprint needs, less than a bomb does."""
    (tmp_path / "bomb.yaml").write_text(BOMB)
    MADE["50 MB"](tmp_path / "flood.yaml")
    limited = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))\n"
        "from planner.cli.main import run\n"
        "sys.exit(run(['validate', sys.argv[1]]))\n"
    )
    for name in ("bomb.yaml", "flood.yaml"):
        done = subprocess.run(
            [sys.executable, "-c", limited, name],
            cwd=tmp_path, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert done.returncode == 3, done.stderr
        helps(done.stderr, name)


def test_control_characters_in_a_blueprint_do_not_reach_the_terminal(planner: Planner) -> None:
    Path("bad.yaml").write_text('planner: 1\nproject: "\\e]0;owned\\a\\e[31m"\n')
    said = planner("validate", "bad.yaml").err
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", said)


def test_a_fault_of_our_own_leaves_a_report(
    planner: Planner, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from planner import workflows

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(workflows, "validate", broken)
    monkeypatch.setenv("TMPDIR", str(home.parent))
    monkeypatch.setattr("tempfile.tempdir", None)
    answer = planner("size", str(home))
    assert answer.code == 1
    assert "Traceback" not in answer.err
    report = re.search(r"details +(\S+)", answer.err)
    assert report is not None
    text = Path(report[1]).read_text()
    assert "planner size" in text
    assert "deep inside" in text
    monkeypatch.setenv("PLANNER_DEBUG", "1")
    assert "Traceback" in planner("size", str(home)).err
