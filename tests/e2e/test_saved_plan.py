"""A plan saved now and applied later: it does exactly what it showed, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.cli.main import run
from tests.farm.control import Farm, Host

pytestmark = pytest.mark.farm

BLUEPRINT = """\
planner: 1
project: saved
hosts: {{box: {{address: "root@{address}", runtime: systemd, ram: 4GiB}}}}
models:
  tiny:
    source: {model}
    engine: llama.cpp
    image: {{archive: {archive}}}
    context: 1k
    parallel: 1
"""


@pytest.fixture
def blueprint(
    farm: Farm,
    systemd_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    monkeypatch.setenv("PLANNER_IDENTITY", str(farm.key))
    path = tmp_path / "saved.yaml"
    text = BLUEPRINT.format(address=systemd_host.address, model=tiny_model, archive=llama_archive)
    path.write_text(text)
    return path


def test_it_is_carried_out_once_and_refused_when_the_host_moved_on(
    blueprint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    assert run(["plan", str(blueprint), "--out", str(plan), "--detailed-exitcode"]) == 10
    try:
        assert run(["apply", str(plan), "--yes"]) == 0
        capsys.readouterr()
        assert run(["apply", str(plan), "--yes"]) == 8
        assert "not as it was when the plan was made" in capsys.readouterr().err
        assert run(["plan", str(blueprint), "--detailed-exitcode"]) == 0
    finally:
        assert run(["destroy", str(blueprint), "--yes"]) == 0


def test_status_and_probe_say_what_the_host_has(
    blueprint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(*words: str) -> dict[str, list[dict[str, object]]]:
        capsys.readouterr()
        assert run([*words, "--format", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert isinstance(found, dict)
        return found

    [before] = answer("status", str(blueprint))["hosts"]
    assert before["absent"] == ["tiny-0"]
    assert run(["apply", str(blueprint), "--yes"]) == 0
    try:
        [after] = answer("status", str(blueprint))["hosts"]
        [workload] = after["workloads"]  # type: ignore[misc]
        assert workload["health"] == "running"
        assert workload["url"].startswith("http://127.0.0.1:")
        [probed] = answer("hosts", "probe", str(blueprint))["hosts"]
        assert probed["reached"]
        assert probed["systemd"] == "252"
        assert probed["docker"] is None
    finally:
        assert run(["destroy", str(blueprint), "--yes"]) == 0


@pytest.mark.parametrize("words", [["plan"], ["apply", "--yes"], ["destroy", "--yes"], ["drift"]])
def test_a_dead_host_fails_with_4_and_an_unknown_key_with_11(
    blueprint: Path,
    systemd_host: Host,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    systemd_host.cut()
    try:
        assert run([words[0], str(blueprint), *words[1:]]) == 4
    finally:
        systemd_host.mend()
    error = capsys.readouterr().err
    assert "box" in error
    assert "next" in error
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(tmp_path / "nobody"))
    check: Callable[[], int] = lambda: run([words[0], str(blueprint), *words[1:]])  # noqa: E731
    assert check() == 11
    assert "ssh-keyscan" in capsys.readouterr().err
