"""What the README shows on hosts and on a fresh machine, done there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.docs import console
from tests.docs.console import ROOT, Seen, Step
from tests.farm.control import Farm
from tests.helpers.tiny_gguf import write_tiny_gguf

pytestmark = pytest.mark.farm

README = ROOT / "README.md"
# What runs this very test.
_RUNNING = "scripts/test"


def of_kind(kind: str) -> list[Step]:
    return [step for step in console.steps(README) if step.kind == kind]


def test_commands_on_hosts_do_what_is_shown(
    farm: Farm, llama_archive: Path, tmp_path: Path
) -> None:
    folder = console.checkout(tmp_path / "planner", README)
    quickstart = folder / "build/quickstart"
    quickstart.mkdir(parents=True)
    write_tiny_gguf(quickstart / "tiny.gguf")
    shutil.copy(llama_archive, quickstart / "llama-server.tar")
    road = {"PLANNER_IDENTITY": str(farm.key), "PLANNER_KNOWN_HOSTS": str(farm.known_hosts)}
    seen = {step: console.run(step, folder, road) for step in of_kind("hosts")}
    _judge(seen)


def test_the_demo_runs(no_farm: None) -> None:
    demo = next(step for step in of_kind("machine") if step.command == "scripts/demo")
    result = console.run(demo, ROOT, {"PYTHONPATH": "", "HOME": os.environ["HOME"]})
    assert result.code == 0, result.text
    assert "nothing to do" in result.text
    assert "nothing of the project is left on the hosts" in result.text


def test_it_installs_as_shown(tmp_path: Path) -> None:
    folder = console.checkout(tmp_path / "planner", README)
    # where pip finds packages is this machine's to say
    usual = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "HOME"))}
    steps = [step for step in of_kind("machine") if not step.command.startswith("scripts/")]
    seen = {step: console.run(step, folder, {**usual, "PYTHONPATH": ""}) for step in steps}
    _judge(seen)


def test_no_other_command_is_left_out() -> None:
    scripts = {step.command for step in of_kind("machine") if step.command.startswith("scripts/")}
    assert scripts == {"scripts/demo", _RUNNING}


def _judge(seen: dict[Step, Seen]) -> None:
    if os.environ.get(console.UPDATE) == "1":
        console.rewrite(README, seen)
        return
    wrong = [text for step, result in seen.items() if (text := console.differs(step, result))]
    assert not wrong, "\n\n".join(wrong)
