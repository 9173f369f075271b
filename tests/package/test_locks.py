"""The lock files: every package with its hashes, no address, and all that is asked for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]
PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; .+)?")


def entries(name: str) -> dict[str, list[str]]:
    """The hashes of each package, by name and version."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / name).read_text())
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            pin, *hashes = re.split(r" +(?=--hash=)", line.strip())
            found[pin] = hashes
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_one_version_with_its_hashes(lock: str) -> None:
    found = entries(lock)
    assert len(found) > 10
    for pin, hashes in found.items():
        assert PIN.fullmatch(pin), pin
        assert hashes, pin
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", item) for item in hashes), pin


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_stands_in_it(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"https?:|//|--(extra-)?index|--find-links|--trusted| @ ", text)


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", []), ("requirements-dev.lock", ["dev"])]
)
def test_what_the_project_asks_for_is_locked(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = list(project["dependencies"])
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    names = {normal(re.split(r"[<>=!~\[ ;]", item)[0]) for item in asked}
    locked = {normal(pin.split("==")[0]) for pin in entries(lock)}
    assert names <= locked


def test_both_locks_agree() -> None:
    small, large = entries("requirements.lock"), entries("requirements-dev.lock")
    assert {pin: large.get(pin) for pin in small} == small
