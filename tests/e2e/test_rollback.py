"""Real hosts taken back to the release before, and freed from the lock of a run that is gone."""

from __future__ import annotations

import json
import os
from contextlib import closing

import pytest

from planner import returning
from planner.apply import steps
from planner.apply.result import ApplyResult
from planner.apply.steps import Layout
from planner.cli.main import run
from planner.deployment import carry_out
from planner.errors import ApplyFailedServing
from planner.remote.address import HostAddress
from planner.remote.connect import connect
from planner.remote.hold import SILENCE_SECONDS
from planner.remote.transport import Result
from tests.e2e.test_changes import Deployment, farm_of_two
from tests.farm.control import Host

__all__ = ["farm_of_two"]

pytestmark = pytest.mark.farm

HOME = "/var/lib/planner/changes"
# Docker keeps the image of a container
REMOVE_IMAGE = """
docker rm --force $(docker ps --all --quiet --filter label=io.planner.project=changes)
docker rmi --force $(docker images --quiet planner.local/changes)
"""


def go_back(made: Deployment) -> ApplyResult:
    with returning.going_back(made.path, None) as planned:
        returning.refuse_incomplete(planned)
        return carry_out(planned, lambda _: None, "rollback")


def contexts(made: Deployment) -> dict[str, int]:
    """The context that each host's chat model says it was started with."""
    found = {}
    for name, host in made.hosts.items():
        manifest = json.loads(host.run("cat", f"{HOME}/current/manifest.json").stdout)
        port = next(w["port"] for w in manifest["workloads"] if w["name"] == f"chat-{name}-0")
        script = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
        said = host.run("python3", "-c", script, f"http://127.0.0.1:{port}/props").stdout
        found[name] = json.loads(said)["default_generation_settings"]["n_ctx"]
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert set(before) == set(after)
    return {name for name in before if before[name] != after[name]}


def test_the_old_context_answers_again_and_other_models_keep_running(
    farm_of_two: Deployment,
) -> None:
    farm_of_two.write(chat="1k")
    assert farm_of_two.apply().errors == ()
    assert contexts(farm_of_two) == {"left": 1024, "right": 1024}
    farm_of_two.write(chat="2k")
    assert farm_of_two.apply().errors == ()
    assert contexts(farm_of_two) == {"left": 2048, "right": 2048}
    before = farm_of_two.running()
    assert go_back(farm_of_two).errors == ()
    assert contexts(farm_of_two) == {"left": 1024, "right": 1024}
    after = farm_of_two.running()
    assert changed(before, after) == {"chat-left-0", "chat-right-0"}
    assert farm_of_two.apply().errors == ()
    assert contexts(farm_of_two) == {"left": 2048, "right": 2048}
    assert changed(after, farm_of_two.running()) == {"chat-left-0", "chat-right-0"}
    assert farm_of_two.plan().empty


@pytest.mark.parametrize(
    ("name", "remove"),
    [
        ("left", REMOVE_IMAGE),
        ("right", f"rm -rf {HOME}/artifacts/roots/*"),
        ("right", f"rm -rf {HOME}/artifacts/weights/*"),
    ],
    ids=["image", "root", "weights"],
)
def test_what_was_removed_by_hand_refuses_it(
    farm_of_two: Deployment, name: str, remove: str
) -> None:
    farm_of_two.apply()
    farm_of_two.write(chat="1k")
    assert farm_of_two.apply().errors == ()
    current = {h: host.run("readlink", f"{HOME}/current").stdout for h, host in _hosts(farm_of_two)}
    farm_of_two.hosts[name].run("sh", "-c", remove)
    before = farm_of_two.running()
    with pytest.raises(ApplyFailedServing) as refused:
        go_back(farm_of_two)
    assert f"gone from {name}" in refused.value.diagnostics[0].summary
    assert "planner apply" in (refused.value.diagnostics[0].advice or "")
    assert farm_of_two.running() == before
    for host, link in current.items():
        assert farm_of_two.hosts[host].run("readlink", f"{HOME}/current").stdout == link


def test_a_run_that_does_not_end_is_unlocked(
    farm_of_two: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its connection stands and gives signs of life, from a machine that nobody can reach."""
    right = farm_of_two.hosts["right"]
    holder = "me@laptop since 10:00: planner apply"
    farm_of_two.write(hosts=("right",))
    address = HostAddress(
        right.address, "root", identity=str(farm_of_two.key), known_hosts=known_hosts()
    )
    with closing(connect(address)) as road:
        command = steps.lock(Layout("changes"), "stuck", holder, SILENCE_SECONDS)
        held = road.hold(command.argv)
        assert not isinstance(held, Result)
        assert run(["apply", str(farm_of_two.path), "--yes"]) == 5
        said = " ".join(capsys.readouterr().err.split())
        assert "planner unlock BLUEPRINT --host right" in said
        assert run(["unlock", str(farm_of_two.path), "--host", "right", "--yes"]) == 0
        assert f"right  locked by {holder}" in capsys.readouterr().out
        assert held.lost
        assert run(["apply", str(farm_of_two.path), "--yes"]) == 0
    assert run(["unlock", str(farm_of_two.path)]) == 0
    assert capsys.readouterr().out.endswith("right  not locked\n")


def test_the_lock_goes_with_its_connection(farm_of_two: Deployment) -> None:
    right = farm_of_two.hosts["right"]
    farm_of_two.write(hosts=("right",))
    address = HostAddress(
        right.address, "root", identity=str(farm_of_two.key), known_hosts=known_hosts()
    )
    command = steps.lock(Layout("changes"), "gone", "me", SILENCE_SECONDS)
    with closing(connect(address)) as road:
        assert not isinstance(road.hold(command.argv), Result)
    assert farm_of_two.apply().errors == ()
    assert right.run("ls", "/run/planner").stdout == ""


def known_hosts() -> str:
    return os.environ["PLANNER_KNOWN_HOSTS"]


def _hosts(made: Deployment) -> list[tuple[str, Host]]:
    return list(made.hosts.items())
