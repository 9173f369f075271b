"""The rivals are asked for the same checks, and a rival that does something else is no figure."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest

from benchmarks.bench_farm import Deployed
from benchmarks.measure import CannotMeasure, run_once
from benchmarks.rivals import pyinfra_command, ssh_command
from tests.farm.control import Farm, Host
from tests.farm.layout import Layout

UNIT = "planner-bench-m1-0.service"


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    return Farm(Layout(tmp_path / "farm"))


@pytest.fixture
def there(farm: Farm, tmp_path: Path) -> list[Deployed]:
    files = {tmp_path / name: f"/var/lib/x y/{name}" for name in ("a", "b", "c")}
    return [Deployed(Host(f"farm{number}", farm.layout), UNIT, files) for number in (1, 2)]


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_ssh_asks_every_host_and_fails_when_one_does(
    farm: Farm, there: list[Deployed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin" / "ssh", f'for last; do :; done; echo "$last" >>{tmp_path}/asked')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    run_once(ssh_command(farm, there, tmp_path))
    asked = (tmp_path / "asked").read_text().splitlines()
    checks = "sha256sum '/var/lib/x y/a' '/var/lib/x y/b' '/var/lib/x y/c'"
    assert asked == [f"{checks} && systemctl is-active {UNIT}"] * 2
    program(tmp_path / "bin" / "ssh", 'case "$*" in *10.77.0.12*) exit 3;; esac')
    with pytest.raises(CannotMeasure, match="ssh ended with 1"):
        run_once(ssh_command(farm, there, tmp_path))


def test_pyinfra_gets_the_same_hosts_files_and_service(
    farm: Farm, there: list[Deployed], tmp_path: Path
) -> None:
    said = "    [10.77.0.11] No changes\n" * 8
    fake = program(tmp_path / "pyinfra", f"cat <<'END'\n{said}END")
    command = pyinfra_command(fake, farm, there, tmp_path)
    found = runpy.run_path(command.words[2])["hosts"]
    assert [address for address, _ in found] == ["10.77.0.11", "10.77.0.12"]
    data = found[0][1]
    assert data["wanted_service"] == UNIT
    assert data["wanted_files"] == [[str(copy), path] for copy, path in there[0].files.items()]
    compile(Path(command.words[3]).read_text(), "deploy.py", "exec")


@pytest.mark.parametrize("said", ["[10.77.0.11] No changes", "[10.77.0.11] Success\n" * 8])
def test_pyinfra_that_changes_something_is_no_figure(
    farm: Farm, there: list[Deployed], tmp_path: Path, said: str
) -> None:
    fake = program(tmp_path / "pyinfra", f"cat <<'END'\n{said}\nEND")
    with pytest.raises(CannotMeasure, match="found something to do"):
        pyinfra_command(fake, farm, there, tmp_path)
