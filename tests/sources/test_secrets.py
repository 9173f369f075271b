"""Where secrets are read: each kind of place, what is wrong with it, and never the value."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from planner.diagnostics import Diagnostic
from planner.secret import SecretKind, SecretSource, SecretValue
from planner.sources.secrets import generate, keep, kept_at, read_secret

VALUE = "correct-horse-battery"


def read(
    folder: Path, kind: SecretKind, place: str = "", key: str = "", **environ: str
) -> SecretValue | Diagnostic | None:
    return read_secret(SecretSource("name", kind, place, key), folder, "demo", environ)


def revealed(found: object) -> str:
    assert isinstance(found, SecretValue), found
    return found.reveal().decode()


def refused(found: object) -> Diagnostic:
    assert isinstance(found, Diagnostic), found
    assert VALUE not in repr(found)
    assert found.path == ("secrets", "name")
    assert found.advice
    return found


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def tool(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program by that name which does what the shell text says."""
    program = folder / "tools" / name
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_an_environment_variable(tmp_path: Path) -> None:
    assert revealed(read(tmp_path, SecretKind.ENV, "KEY", KEY=VALUE)) == VALUE
    assert "KEY is not set" in refused(read(tmp_path, SecretKind.ENV, "KEY")).summary


def test_a_file_without_its_last_line_break(tmp_path: Path) -> None:
    for text in (VALUE, f"{VALUE}\n", f"{VALUE}\r\n"):
        private(tmp_path / "key", text)
        assert revealed(read(tmp_path, SecretKind.FILE, "key")) == VALUE
    private(tmp_path / "key", f"{VALUE}\n\n")
    assert revealed(read(tmp_path, SecretKind.FILE, "key")) == f"{VALUE}\n"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "not text"),
        (b"a\0b", "zero byte"),
        (b"x" * 70_000, "more than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, raw: bytes, said: str) -> None:
    path = private(tmp_path / "key", "")
    path.write_bytes(raw)
    assert said in refused(read(tmp_path, SecretKind.FILE, "key")).summary


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = private(tmp_path / "key", VALUE)
    path.chmod(0o640)
    found = refused(read(tmp_path, SecretKind.FILE, "key"))
    assert found.advice == f"chmod 600 {path}"
    assert "cannot be read" in refused(read(tmp_path, SecretKind.FILE, "gone")).summary


def test_sops_and_age_are_asked_for_one_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, "sops", f'echo "$@" >asked; echo {VALUE}', monkeypatch)
    assert revealed(read(tmp_path, SecretKind.SOPS, "enc.yaml", "mail.password")) == VALUE
    asked = (tmp_path / "asked").read_text()
    assert asked == f'--decrypt --extract ["mail"]["password"] {tmp_path}/enc.yaml\n'


def test_a_tool_that_fails_is_named_but_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, "age", f"echo 'bad line {VALUE}' >&2; exit 3", monkeypatch)
    found = refused(read(tmp_path, SecretKind.AGE, "key.age"))
    assert "could not decrypt key.age (status 3)" in found.summary
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not installed" in refused(read(tmp_path, SecretKind.AGE, "key.age")).summary


def test_what_planner_makes_is_strong_and_kept_for_its_user_alone(tmp_path: Path) -> None:
    assert read(tmp_path, SecretKind.GENERATED) is None
    values = {generate().reveal() for _ in range(100)}
    assert len(values) == 100
    assert all(len(value) * 6 >= 128 for value in values)
    value = generate()
    keep(tmp_path, "demo", "name", value)
    assert read(tmp_path, SecretKind.GENERATED) == value
    path = kept_at(tmp_path, "demo", "name")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (tmp_path / ".planner/.gitignore").read_text() == "*\n"
    assert [item.name for item in path.parent.iterdir()] == ["name"]


def test_what_was_asked_for_is_on_no_disk(tmp_path: Path) -> None:
    assert read(tmp_path, SecretKind.PROMPT) is None
