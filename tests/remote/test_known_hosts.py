"""Which keys known_hosts trusts; hashed lines are made by the real ssh-keygen when it is there."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from planner.remote.known_hosts import Verdict, fingerprint, host_name, judge, keys_of

ED = "ssh-ed25519"
KEY = b"\0\0\0\x0bssh-ed25519" + b"\0\0\0\x20" + bytes(range(32))
OTHER = KEY[:-1] + b"\xff"
TEXT = base64.b64encode(KEY).decode()


def lines(*names: str) -> str:
    return "\n".join(f"{name} {ED} {TEXT} a comment" for name in names)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("box", "box", True),
        ("box", "boxer", False),
        ("box,10.0.0.2", "10.0.0.2", True),
        ("*.lan", "box.lan", True),
        ("*.lan,!evil.lan", "evil.lan", False),
        ("!evil.lan,*.lan", "evil.lan", False),
        ("10.0.0.?", "10.0.0.7", True),
        ("[box]:2222", "[box]:2222", True),
        ("[box]:2222", "box", False),
        ("box", "[box]:2222", False),
        ("BOX", "box", True),
        ("*", "[box]:2222", True),
    ],
)
def test_names_match_as_openssh_matches_them(pattern: str, name: str, matches: bool) -> None:
    assert bool(keys_of(lines(pattern), name, "f")) is matches


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_hashed_lines_are_found(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(lines("box", "[box]:2222") + "\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    text = file.read_text()
    assert "box" not in text
    assert [key.line for key in keys_of(text, "box", "f")] == [1]
    assert [key.line for key in keys_of(text, "[box]:2222", "f")] == [2]
    assert keys_of(text, "other", "f") == []


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True
    )
    public = tmp_path / "key.pub"
    shown = subprocess.run(
        ["ssh-keygen", "-lf", public], check=True, capture_output=True, text=True
    ).stdout
    assert fingerprint(base64.b64decode(public.read_text().split()[1])) == shown.split()[1]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# box ssh-ed25519 AAAA",
        "box",
        "box ssh-ed25519",
        "box ssh-ed25519 not-base64!",
        f"@cert-authority box {ED} {TEXT}",
        f"|1|broken {ED} {TEXT}",
        f"|1|YQ==|@@ {ED} {TEXT}",
    ],
)
def test_lines_that_say_nothing_trust_nothing(line: str) -> None:
    assert keys_of(line, "box", "f") == []


@pytest.mark.parametrize(
    ("text", "blob", "verdict"),
    [
        (lines("box"), KEY, Verdict.TRUSTED),
        (lines("other"), KEY, Verdict.UNKNOWN),
        (lines("box"), OTHER, Verdict.CHANGED),
        (f"box ssh-rsa {TEXT}", KEY, Verdict.CHANGED),
        (f"@revoked box {ED} {TEXT}", KEY, Verdict.REVOKED),
        (f"@revoked * {ED} {TEXT}\n" + lines("box"), KEY, Verdict.REVOKED),
        (f"@revoked box {ED} {TEXT}", OTHER, Verdict.UNKNOWN),
    ],
)
def test_verdicts(text: str, blob: bytes, verdict: Verdict) -> None:
    assert judge(keys_of(text, "box", "f"), ED, blob) is verdict


def test_other_ports_have_their_own_name() -> None:
    assert host_name("Box", 22) == "box"
    assert host_name("box", 2222) == "[box]:2222"
