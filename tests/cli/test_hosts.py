"""The verbs that reach hosts, typed as people type them, on hosts in memory."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from planner import deployment
from planner.apply.connections import Connections
from planner.errors import HostUnreachable, PlannerError, TrustRefused
from planner.remote.address import HostAddress
from planner.remote.fake import FakeHost, FakeTransport, FakeWorkload
from planner.remote.transport import HttpRequest, Transport
from tests.cli.conftest import Answer, Planner
from tests.helpers.tiny_gguf import write_tiny_gguf

FARM = """\
planner: 1
project: farm
hosts:
  left: {address: root@10.0.0.1, ram: 64GiB, disk: 1TB}
  right: {address: root@10.0.0.2, ram: 64GiB, disk: 1TB, runtime: systemd}
models:
  chat:
    source: ./models/tiny.gguf
    engine: llama.cpp
    image: {archive: ./llama-server.tar}
    context: CONTEXT
    parallel: 1
    on: left
  helper:
    source: ./models/tiny.gguf
    engine: llama.cpp
    binary: /usr/bin/llama-server
    context: 2k
    parallel: 1
    on: right
"""


@dataclass
class Hosts:
    """Two hosts in memory; what connecting to one raises stands in ``closed``."""

    left: FakeHost = field(default_factory=FakeHost)
    right: FakeHost = field(default_factory=lambda: FakeHost(docker=None, compose=None))
    closed: dict[str, PlannerError] = field(default_factory=dict)

    def connect(self, address: HostAddress) -> Transport:
        if address.host in self.closed:
            raise self.closed[address.host]
        return FakeTransport({"10.0.0.1": self.left, "10.0.0.2": self.right}[address.host])

    @property
    def touched(self) -> set[str]:
        """Everything that was done on them but looking, reading logs and asking engines."""
        return {*self.left.calls, *self.right.calls} - {"observe", "inspect", "start_log", "http"}


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    made = Hosts()
    monkeypatch.setattr(deployment, "Connections", lambda found: Connections(found, made.connect))
    return made


@pytest.fixture
def farm(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    write_tiny_gguf(tmp_path / "models/tiny.gguf")
    (tmp_path / "llama-server.tar").write_bytes(bytes(10240))
    return written(tmp_path / "farm.yaml")


def written(path: Path, context: str = "4k") -> Path:
    path.write_text(FARM.replace("CONTEXT", context))
    return path


@pytest.fixture
def applied(planner: Planner, hosts: Hosts, farm: Path) -> Path:
    """The farm's blueprint, on hosts that are as it says."""
    assert planner("apply", str(farm), "--yes").code == 0
    hosts.left.calls.clear()
    hosts.right.calls.clear()
    return farm


def narrow(answer: Answer) -> bool:
    return max(map(len, (answer.out + answer.err).splitlines())) <= 80


def test_a_plan_names_every_change_and_its_cause(
    planner: Planner, hosts: Hosts, farm: Path
) -> None:
    answer = planner("plan", str(farm))
    assert answer.code == 0
    assert "+ start    chat-0: not on the host yet" in answer.out
    assert "Plan: 2 to create, 0 to update, 0 to delete, 0 to keep" in answer.out
    assert narrow(answer)
    assert not hosts.touched


def test_differences_have_a_code_of_their_own(planner: Planner, hosts: Hosts, farm: Path) -> None:
    assert planner("plan", str(farm), "--detailed-exitcode").code == 10
    assert planner("drift", str(farm), "--detailed-exitcode").code == 10
    assert not hosts.touched


@pytest.mark.parametrize("verb", ["apply", "destroy"])
def test_nobody_to_ask_means_nothing_is_done(
    planner: Planner, hosts: Hosts, applied: Path, verb: str
) -> None:
    written(applied, "8k")
    answer = planner(verb, str(applied))
    assert answer.code == 2
    assert "add --yes" in answer.err
    assert not hosts.touched


@pytest.mark.parametrize(
    ("typed", "done"), [("y\n", True), ("yes\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_only_yes_is_yes(
    planner: Planner,
    hosts: Hosts,
    farm: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    done: bool,
) -> None:
    class Typed:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return typed

    monkeypatch.setattr("sys.stdin", Typed())
    answer = planner("apply", str(farm))
    assert "Apply this plan? [y/N]" in answer.err
    assert answer.code == (0 if done else 2)
    assert bool(hosts.touched) is done


def test_apply_ends_with_what_to_type_next(planner: Planner, hosts: Hosts, farm: Path) -> None:
    answer = planner("apply", str(farm), "--yes")
    assert answer.code == 0
    assert answer.err.endswith(f"done; next: planner status {farm}\n")
    assert set(hosts.left.workloads) == {"chat-0"}
    assert set(hosts.right.workloads) == {"helper-0"}
    record = json.loads((farm.parent / ".planner/farm.json").read_text())
    assert set(record["hosts"]) == {"left", "right"}


def test_a_second_apply_changes_nothing_and_says_why(
    planner: Planner, hosts: Hosts, applied: Path
) -> None:
    answer = planner("apply", str(applied), "--yes")
    assert answer.code == 0
    assert answer.out.count("= nothing to do: release") == 2
    assert not hosts.touched
    assert planner("plan", str(applied), "--detailed-exitcode").code == 0


def test_one_changed_model_is_the_only_one_that_stops(
    planner: Planner, hosts: Hosts, applied: Path
) -> None:
    helper = hosts.right.workloads["helper-0"].identity
    chat = hosts.left.workloads["chat-0"].identity
    answer = planner("apply", str(written(applied, "8k")), "--yes")
    assert answer.code == 0
    assert "~ replace  chat-0: its settings changed" in answer.out
    assert "stops chat-0 on left for about" in answer.out
    assert hosts.right.workloads["helper-0"].identity == helper
    assert hosts.left.workloads["chat-0"].identity != chat


def test_status_shows_what_runs_and_where(planner: Planner, hosts: Hosts, applied: Path) -> None:
    answer = planner("status", str(applied))
    assert answer.code == 0
    assert re.search(r"chat-0 +running +http://127\.0\.0\.1:\d+$", answer.out, re.MULTILINE)
    assert "llama.cpp serves ./models/tiny.gguf" in answer.out
    assert answer.out.endswith("everything is as the blueprint says\n")
    assert narrow(answer)


@pytest.mark.parametrize(("state", "shown"), [("exited", "stopped"), ("restarting", "restarting")])
def test_status_and_drift_show_what_is_not_well(
    planner: Planner, hosts: Hosts, applied: Path, state: str, shown: str
) -> None:
    hosts.left.workloads["chat-0"].state = state
    status = planner("status", str(applied))
    assert shown in status.out
    assert "planner plan" in status.out
    drift = planner("drift", str(applied), "--detailed-exitcode")
    assert drift.code == 10
    assert "chat-0" in drift.out
    assert not hosts.touched


def test_a_change_by_hand_is_drift(planner: Planner, hosts: Hosts, applied: Path) -> None:
    release = hosts.left.releases[hosts.left.current or ""]
    release["compose.yaml"] += b"# edited\n"
    drift = planner("drift", str(applied), "--detailed-exitcode")
    assert (drift.code, "compose.yaml" in drift.out) == (10, True)
    assert planner("apply", str(applied), "--yes").code == 0
    assert planner("drift", str(applied), "--detailed-exitcode").code == 0


def test_destroy_leaves_nothing(planner: Planner, hosts: Hosts, applied: Path) -> None:
    answer = planner("destroy", str(applied), "--yes")
    assert answer.code == 0
    assert answer.err.endswith("done; nothing of the project is left on the hosts\n")
    for host in (hosts.left, hosts.right):
        assert (host.workloads, host.releases, host.places) == ({}, {}, set())
        assert (host.folder, host.lock) == (False, None)
    again = planner("destroy", str(applied), "--yes")
    assert (again.code, "Nothing to do" in again.out) == (0, True)


def test_destroy_needs_no_model_files(planner: Planner, hosts: Hosts, applied: Path) -> None:
    """Somebody who cleans up may have deleted them already."""
    (applied.parent / "models/tiny.gguf").unlink()
    (applied.parent / "llama-server.tar").unlink()
    assert planner("destroy", str(applied), "--yes").code == 0


def test_one_dead_host_fails_alone(planner: Planner, hosts: Hosts, farm: Path) -> None:
    hosts.closed["10.0.0.1"] = HostUnreachable(
        "10.0.0.1 cannot be reached on port 22",
        where="left",
        cause="No route to host",
        advice="check that it is on and listens: ssh -p 22 root@10.0.0.1",
    )
    answer = planner("apply", str(farm), "--yes")
    assert answer.code == 4
    assert set(hosts.right.workloads) == {"helper-0"}
    for words in ("left: 10.0.0.1 cannot be reached", "No route to host", "ssh -p 22"):
        assert words in answer.err
    for verb in ("plan", "status", "drift"):
        assert planner(verb, str(farm)).code == 4


def test_an_unknown_host_key_is_refused(planner: Planner, hosts: Hosts, farm: Path) -> None:
    hosts.closed["10.0.0.2"] = TrustRefused("the host key of 10.0.0.2 is not known", where="right")
    answer = planner("apply", str(farm), "--yes")
    assert answer.code == 11
    assert "the host key of 10.0.0.2 is not known" in answer.err


def test_a_locked_host_is_named_with_its_holder(planner: Planner, hosts: Hosts, farm: Path) -> None:
    hosts.left.lock = ("other", "you@desk since 10:00, apply")
    answer = planner("apply", str(farm), "--yes")
    assert answer.code == 5
    assert "you@desk since 10:00, apply" in answer.err
    assert not hosts.left.workloads


def test_no_plan_is_saved_for_a_host_that_cannot_carry_it(
    planner: Planner, hosts: Hosts, farm: Path
) -> None:
    hosts.left.docker = None
    answer = planner("plan", str(farm), "--out", "plan.json")
    assert (answer.code, "left has no Docker" in answer.err) == (3, True)
    assert "push" in answer.out
    assert not Path("plan.json").exists()


LINK = "/var/lib/planner/farm/artifacts"


@pytest.mark.parametrize(
    "verb",
    ["plan", "plan --out plan.json", "apply --yes", "destroy --yes", "destroy --yes --data notes"],
)
def test_a_link_that_planner_did_not_make_is_told_of_before_anything_is_touched(
    planner: Planner, hosts: Hosts, applied: Path, verb: str
) -> None:
    written(applied, "8k")
    hosts.left.data["notes"] = set()
    hosts.left.foreign_links = [LINK]
    first, *words = verb.split()
    answer = planner(first, str(applied), *words)
    said = " ".join(answer.err.split())
    assert answer.code == 3
    for part in ("left", f"{LINK} is a symbolic link", f"ls -l {LINK}", "remove it"):
        assert part in said
    assert not hosts.touched
    assert not Path("plan.json").exists()


def test_a_link_that_was_laid_after_the_plan_is_refused_by_the_host(
    planner: Planner, hosts: Hosts, applied: Path
) -> None:
    written(applied, "8k")
    assert planner("plan", str(applied), "--out", "plan.json").code == 0
    hosts.left.foreign_links = [LINK]
    before = hosts.left.current
    answer = planner("apply", "plan.json", "--yes")
    assert answer.code == 8
    assert f"{LINK} is a symbolic link" in " ".join(answer.err.split())
    assert hosts.left.current == before


def test_a_start_that_fails_says_host_step_and_cause(
    planner: Planner, hosts: Hosts, farm: Path
) -> None:
    hosts.right.breaks["start"] = "no such program: /usr/bin/llama-server"
    answer = planner("apply", str(farm), "--yes")
    assert answer.code == 9
    assert "right: start helper-0 failed" in answer.err
    assert "no such program: /usr/bin/llama-server" in answer.err
    assert set(hosts.left.workloads) == {"chat-0"}


def test_a_failure_before_anything_stopped_says_that_it_serves(
    planner: Planner, hosts: Hosts, applied: Path
) -> None:
    hosts.left.breaks["write_release"] = "No space left on device"
    answer = planner("apply", str(written(applied, "8k")), "--yes")
    assert answer.code == 8
    assert "No space left on device" in answer.err


def test_a_replica_that_dies_fails_with_its_last_words(
    planner: Planner, hosts: Hosts, farm: Path
) -> None:
    def dies(name: str, workload: FakeWorkload) -> None:
        workload.state, workload.log = "exited", "out of memory\n"

    hosts.left.on_start = dies
    silent: Callable[[HttpRequest], None] = lambda request: None  # noqa: E731
    hosts.left.answers = silent
    answer = planner("apply", str(farm), "--yes")
    assert answer.code == 9
    assert "out of memory" in answer.err


def test_a_record_of_something_else_stops_it_before_anything_is_touched(
    planner: Planner, hosts: Hosts, applied: Path
) -> None:
    (applied.parent / ".planner/farm.json").write_text('{"schema": 9, "project": "farm"}')
    answer = planner("apply", str(written(applied, "8k")), "--yes")
    assert answer.code == 6
    assert "mv " in answer.err
    assert not hosts.touched


@pytest.mark.parametrize("damage", ["", "{", None])
@pytest.mark.parametrize("context", ["4k", "8k"], ids=["nothing to do", "a change"])
def test_a_lost_or_damaged_record_is_filled_from_the_hosts(
    planner: Planner, hosts: Hosts, applied: Path, damage: str | None, context: str
) -> None:
    place = applied.parent / ".planner/farm.json"
    if damage is None:
        shutil.rmtree(place.parent)
    else:
        place.write_text(damage)
    answer = planner("apply", str(written(applied, context)), "--yes")
    assert answer.code == 0
    assert ("was damaged" in " ".join(answer.err.split())) == (damage is not None)
    record = json.loads(place.read_text())
    assert {name: row["release"] for name, row in record["hosts"].items()} == {
        "left": hosts.left.current,
        "right": hosts.right.current,
    }


@pytest.mark.parametrize("verb", ["plan", "apply --yes", "status", "drift", "destroy --yes"])
def test_json_stands_alone(planner: Planner, hosts: Hosts, applied: Path, verb: str) -> None:
    written(applied, "8k")
    answer = planner(*verb.split(), str(applied), "--format", "json")
    assert answer.code == 0
    assert isinstance(json.loads(answer.out), dict)


def test_a_plan_says_what_a_month_will_cost(planner: Planner, hosts: Hosts, farm: Path) -> None:
    farm.write_text(
        farm.read_text().replace("disk: 1TB}", "disk: 1TB, owned: {price: 480 USD}}", 1)
    )
    cost = json.loads(planner("plan", str(farm), "--format", "json").out)["cost"]
    assert (cost["currency"], cost["monthly"]) == ("USD", "10.00")
    cleared = json.loads(planner("destroy", str(farm), "--yes", "--format", "json").out)
    assert cleared["cost"] == {}


def test_a_saved_plan_is_json(planner: Planner, hosts: Hosts, farm: Path) -> None:
    assert planner("plan", str(farm), "--out", "plan.json").code == 0
    assert json.loads(Path("plan.json").read_text())["project"] == "farm"
    assert planner("plan", str(farm), "--out", "no/such/folder/plan.json").code == 2


def test_hosts_are_probed_as_lines_for_an_inventory(
    planner: Planner, hosts: Hosts, farm: Path
) -> None:
    hosts.left.gpus = [("NVIDIA GeForce RTX 4090", 24564 << 20)]
    answer = planner("hosts", "probe", "root@10.0.0.1", "root@10.0.0.2")
    assert answer.code == 0
    assert narrow(answer)
    name = "host-10-0-0-1"
    Path("inventory.yaml").write_text(answer.out)
    Path("by-inventory.yaml").write_text(
        "planner: 1\nproject: probed\ninventory: inventory.yaml\n"
        f"models: {{chat: {{source: Qwen/Qwen3-8B, quant: fp8, on: {name}}}}}\n"
    )
    sized = planner("size", "by-inventory.yaml", "--format", "json")
    assert sized.code == 0, sized.err
    assert planner("hosts", "probe", str(farm)).code == 0


def test_what_is_not_built_is_refused_before_anything_is_done(
    planner: Planner, hosts: Hosts, farm: Path
) -> None:
    farm.write_text(farm.read_text() + "services: {n8n: {on: left}}\n")
    answer = planner("apply", str(farm), "--yes")
    assert answer.code == 3
    assert "run services (n8n)" in answer.err
    assert not hosts.touched
