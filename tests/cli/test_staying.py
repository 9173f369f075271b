"""What runs stays where it is: the verbs ask the hosts before they place anything anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.errors import HostUnreachable
from planner.remote.fake import FakeHost
from planner.remote.transport import HttpAnswer, HttpRequest
from tests.cli.conftest import Planner
from tests.cli.test_hosts import Hosts, hosts
from tests.helpers.tiny_gguf import write_tiny_gguf
from tests.helpers.tiny_lora import write_tiny_lora

__all__ = ["hosts"]

HEAD = """\
planner: 1
project: farm
hosts:
  left: {address: root@10.0.0.1, ram: 128GiB, disk: 1TB}
  right: {address: root@10.0.0.2, ram: 64GiB, disk: 1TB}
models:
"""
MODEL = """\
  NAME:
    source: ./models/tiny.gguf
    engine: llama.cpp
    image: {archive: ./llama-server.tar}
    context: 2k
    parallel: 1
"""


@pytest.fixture
def path(tmp_path: Path, hosts: Hosts) -> Path:
    (tmp_path / "models").mkdir()
    write_tiny_gguf(tmp_path / "models/tiny.gguf")
    (tmp_path / "llama-server.tar").write_bytes(bytes(10240))
    hosts.right.docker, hosts.right.compose = "27.0.0", "2.30.0"
    return tmp_path / "farm.yaml"


def asks(path: Path, *names: str, **on: str) -> str:
    """The blueprint at ``path`` with these models, those of ``on`` pinned."""
    texts = [MODEL.replace("NAME", name) for name in names]
    texts += [f"{MODEL.replace('NAME', name)}    on: {host}\n" for name, host in on.items()]
    path.write_text(HEAD + "".join(texts))
    return str(path)


def names(host: FakeHost) -> set[str]:
    return set(host.workloads)


def test_a_model_stays_when_its_pin_is_gone_and_when_another_is_added(
    planner: Planner, hosts: Hosts, path: Path
) -> None:
    assert planner("apply", asks(path, chat="right"), "--yes").code == 0
    pid = hosts.right.workloads["chat-0"].identity
    # without what runs it would be placed on the left, where more RAM is free
    again = planner("apply", asks(path, "chat"), "--yes")
    assert "Nothing to do." in again.out, again.out
    added = planner("apply", asks(path, "aaa", "chat"), "--yes")
    assert added.code == 0, added.err
    assert (names(hosts.left), names(hosts.right)) == ({"aaa-0"}, {"chat-0"})
    assert hosts.right.workloads["chat-0"].identity == pid
    for verb in ("plan", "drift"):
        assert planner(verb, str(path), "--detailed-exitcode").code == 0


def test_the_hosts_are_asked_and_no_record_is_needed(
    planner: Planner, hosts: Hosts, path: Path
) -> None:
    assert planner("apply", asks(path, chat="right"), "--yes").code == 0
    record = path.parent / ".planner/farm.json"
    record.unlink()
    assert planner("plan", asks(path, "chat"), "--detailed-exitcode").code == 0


def test_a_model_whose_container_is_gone_starts_again_where_it_was(
    planner: Planner, hosts: Hosts, path: Path
) -> None:
    assert planner("apply", asks(path, chat="right"), "--yes").code == 0
    del hosts.right.workloads["chat-0"]
    assert planner("apply", asks(path, "chat"), "--yes").code == 0
    assert (names(hosts.left), names(hosts.right)) == (set(), {"chat-0"})


def test_it_moves_when_asked_to(planner: Planner, hosts: Hosts, path: Path) -> None:
    assert planner("apply", asks(path, chat="right"), "--yes").code == 0
    moved = planner("apply", asks(path, "chat"), "--rebalance", "--yes")
    assert moved.code == 0, moved.err
    assert (names(hosts.left), names(hosts.right)) == ({"chat-0"}, set())


def test_it_moves_when_its_host_is_named_no_more(
    planner: Planner, hosts: Hosts, path: Path
) -> None:
    assert planner("apply", asks(path, chat="right"), "--yes").code == 0
    assert planner("apply", asks(path, chat="left"), "--yes").code == 0
    assert (names(hosts.left), names(hosts.right)) == ({"chat-0"}, set())


def test_what_may_run_on_a_silent_host_is_started_nowhere_else(
    planner: Planner, hosts: Hosts, path: Path
) -> None:
    assert planner("apply", asks(path, chat="right"), "--yes").code == 0
    hosts.closed["10.0.0.2"] = HostUnreachable("right does not answer", where="right")
    answer = planner("plan", asks(path, "chat"))
    assert answer.code == 4
    assert "start" not in answer.out
    said = " ".join(answer.err.split())
    assert "chat-0 may run on right, which did not answer: not started anywhere else" in said
    assert "take hosts.right out of the blueprint" in said


def test_a_saved_plan_takes_no_rebalancing(planner: Planner, hosts: Hosts, path: Path) -> None:
    saved = str(path.parent / "plan.json")
    assert planner("plan", asks(path, "chat"), "--out", saved).code == 0
    refused = planner("apply", saved, "--rebalance", "--yes")
    assert refused.code == 2
    assert "a saved plan says already what moves" in refused.err


def test_under_another_name_it_stays_too(planner: Planner, hosts: Hosts, path: Path) -> None:
    assert planner("apply", asks(path, chat="right"), "--yes").code == 0
    plan = planner("plan", asks(path, "talk"))
    said = " ".join(plan.out.split())
    assert "start talk-0: it was chat-0 before" in said, plan.out
    assert "push" not in said
    assert planner("apply", str(path), "--yes").code == 0
    assert (names(hosts.left), names(hosts.right)) == (set(), {"talk-0"})


def test_a_name_that_two_could_have_had_is_placed_anew(
    planner: Planner, hosts: Hosts, path: Path
) -> None:
    assert planner("apply", asks(path, chat="right", code="right"), "--yes").code == 0
    assert planner("apply", asks(path, "talk"), "--yes").code == 0
    assert (names(hosts.left), names(hosts.right)) == ({"talk-0"}, set())


def test_a_new_model_of_the_same_files_is_no_rename_while_the_old_name_is_wished(
    planner: Planner, hosts: Hosts, path: Path
) -> None:
    assert planner("apply", asks(path, chat="right"), "--yes").code == 0
    plan = planner("plan", asks(path, chat="left", talk="right"))
    assert "it was chat-0 before" not in " ".join(plan.out.split()), plan.out


def test_other_files_under_another_name_are_placed_anew(
    planner: Planner, hosts: Hosts, path: Path
) -> None:
    assert planner("apply", asks(path, chat="right"), "--yes").code == 0
    (path.parent / "llama-server.tar").write_bytes(bytes(20480))
    assert planner("apply", asks(path, "talk"), "--yes").code == 0
    assert (names(hosts.left), names(hosts.right)) == ({"talk-0"}, set())


def test_every_replica_stays_under_another_name(planner: Planner, hosts: Hosts, path: Path) -> None:
    def twice(name: str, **on: str) -> str:
        asks(path, *(() if on else (name,)), **on)
        path.write_text(path.read_text() + "    replicas: 2\n")
        return str(path)

    assert planner("apply", twice("chat", chat="right"), "--yes").code == 0
    plan = " ".join(planner("plan", twice("talk")).out.split())
    # anew, they would be placed apart
    for index in range(2):
        assert f"start talk-{index}: it was chat-{index} before" in plan, plan
    assert "push" not in plan


def test_with_adapters_it_stays_under_another_name_until_they_change(
    planner: Planner, hosts: Hosts, path: Path
) -> None:
    def loaded(request: HttpRequest) -> int | HttpAnswer:
        """Its engine says that it serves the adapters of the release."""
        if request.path != "/lora-adapters":
            return 200
        release = json.loads(hosts.right.releases[hosts.right.current or ""]["manifest.json"])
        return HttpAnswer(200, json.dumps(release["workloads"][0]["adapters"]).encode())

    hosts.right.answers = loaded
    adapter = path.parent / "calm.gguf"
    write_tiny_lora(adapter, seed=1)

    def tuned(name: str, **on: str) -> str:
        asks(path, *(() if on else (name,)), **on)
        more = "    adapters: [calm]\nadapters:\n"
        more += "  calm: {base: ./models/tiny.gguf, source: ./calm.gguf, rank: 4}\n"
        path.write_text(path.read_text() + more)
        return str(path)

    assert planner("apply", tuned("chat", chat="right"), "--yes").code == 0
    plan = " ".join(planner("plan", tuned("talk")).out.split())
    assert "start talk-0: it was chat-0 before" in plan, plan
    assert "push" not in plan
    write_tiny_lora(adapter, seed=2)
    assert "it was chat-0 before" not in " ".join(planner("plan", str(path)).out.split())
