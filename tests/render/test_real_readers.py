"""Docker Compose and systemd accept every rendered file, and read it as planner means it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from planner.render.compose import literal
from planner.render.yaml_text import to_yaml
from tests.render.golden_files import GOLDEN, cases, expected
from tests.render.real_tools import compose_plugin, systemd_analyze

COMPOSE_FILES = sorted(GOLDEN.glob("*/expected/*/compose.yaml"))
UNITS = sorted(GOLDEN.glob("*/expected/*/units/*.service"))


def _name(path: Path) -> str:
    return f"{path.relative_to(GOLDEN).parts[0]}-{path.name}"


def _config(file: Path) -> Any:
    command = [compose_plugin(), "--file", str(file), "config", "--format", "json"]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={"HOME": "/nonexistent"}
    )
    assert ran.returncode == 0, ran.stderr
    assert "variable is not set" not in ran.stderr, ran.stderr
    return json.loads(ran.stdout)


def test_there_are_files() -> None:
    assert len(COMPOSE_FILES) >= 4
    assert len(UNITS) >= 3
    assert set(cases()) >= {path.relative_to(GOLDEN).parts[0] for path in COMPOSE_FILES + UNITS}


@pytest.mark.parametrize("file", COMPOSE_FILES, ids=_name)
def test_compose_accepts(file: Path) -> None:
    assert _config(file)["services"]


def test_compose_reads_awkward_texts_as_they_are() -> None:
    case = GOLDEN / "awkward"
    read = _config(case / "expected/left/compose.yaml")["services"]["no-0"]["command"]
    import yaml

    written = yaml.safe_load((case / "blueprint.yaml").read_text())["models"]["no"]["extra_args"]
    # `config` prints a file again, so it doubles every $ as the file did
    assert read[-len(written) :] == [text.replace("$", "$$") for text in written]


@pytest.mark.parametrize(
    "text", ["y", "N", "1e3", "0x1f", "0b1", "1_000", "12:30:45", "2001-01-01", ".nan", "-inf"]
)
def test_compose_takes_no_text_for_something_else(text: str, tmp_path: Path) -> None:
    service = {"image": "none", "command": [text], "labels": {"text": text}}
    file = tmp_path / "compose.yaml"
    file.write_text(to_yaml({"name": "t", "services": {"s": literal(service)}}))
    read = _config(file)["services"]["s"]
    assert (read["command"], read["labels"]["text"]) == ([text], text)


@pytest.mark.parametrize("unit", UNITS, ids=_name)
def test_systemd_accepts(unit: Path, tmp_path: Path) -> None:
    # the engine is on the host it is made for, and not on this one
    text = re.sub(r"^(ExecStart=)\S+", r"\1/bin/sh", unit.read_text(), flags=re.MULTILINE)
    copy = tmp_path / unit.name
    copy.write_text(text)
    ran = subprocess.run(
        [systemd_analyze(), "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_systemd_refuses_what_is_wrong(tmp_path: Path) -> None:
    unit = tmp_path / "planner-wrong-chat-0.service"
    unit.write_text("[Service]\nExecStart=/bin/sh\nMemoryMax=much\nNoSuchKey=1\n")
    ran = subprocess.run(
        [systemd_analyze(), "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Invalid memory limit" in ran.stderr
    assert "NoSuchKey" in ran.stderr


def test_units_of_quickstart_are_golden() -> None:
    assert "right/units/planner-quickstart-helper-0.service" in expected("quickstart")
