"""The verbs rollback and unlock, typed as people type them, on hosts in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner import deployment, returning
from planner.apply.connections import Connections
from planner.errors import HostUnreachable
from planner.remote.fake import FakeHost
from tests.cli.conftest import Planner
from tests.cli.test_hosts import Hosts, written
from tests.helpers.tiny_gguf import write_tiny_gguf


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    made = Hosts()
    for module in (deployment, returning):
        monkeypatch.setattr(module, "Connections", lambda to: Connections(to, made.connect))
    return made


@pytest.fixture
def upgraded(planner: Planner, hosts: Hosts, tmp_path: Path) -> Path:
    """A blueprint whose model on the left was given 4k and then 8k of context."""
    (tmp_path / "models").mkdir()
    write_tiny_gguf(tmp_path / "models/tiny.gguf")
    (tmp_path / "llama-server.tar").write_bytes(bytes(10240))
    path = tmp_path / "farm.yaml"
    for context in ("4k", "8k"):
        assert planner("apply", str(written(path, context)), "--yes").code == 0
    hosts.left.calls.clear()
    hosts.right.calls.clear()
    return path


def releases(host: FakeHost) -> list[str]:
    """From the oldest to the newest."""
    return list(host.releases)


def test_it_is_refused_where_a_link_lies_that_planner_did_not_make(
    planner: Planner, hosts: Hosts, upgraded: Path
) -> None:
    hosts.left.foreign_links = ["/var/lib/planner/farm/releases"]
    answer = planner("rollback", str(upgraded), "--yes")
    assert answer.code == 8
    assert "/var/lib/planner/farm/releases is a symbolic link" in " ".join(answer.err.split())
    assert not hosts.touched


def test_it_goes_to_the_release_before_and_forward_again(
    planner: Planner, hosts: Hosts, upgraded: Path
) -> None:
    old, new = releases(hosts.left)
    pid = hosts.right.workloads["helper-0"].identity
    answer = planner("rollback", str(upgraded), "--yes")
    assert answer.code == 0, answer.err
    assert f"back from release {new[:8]}" in answer.out
    assert "its settings changed" in answer.out
    assert "stops chat-0 on left for about" in answer.out
    assert "no release from before the current" in " ".join(answer.out.split())
    assert hosts.left.current == old
    assert hosts.left.workloads["chat-0"].digest == hosts.left.wanted_digest("chat-0")
    assert hosts.right.workloads["helper-0"].identity == pid
    assert "put" not in hosts.left.calls
    record = json.loads((upgraded.parent / ".planner/farm.json").read_text())
    assert record["hosts"]["left"]["release"] == old
    assert planner("apply", str(upgraded), "--yes").code == 0
    assert hosts.left.current == new
    assert planner("plan", str(upgraded), "--detailed-exitcode").code == 0


def test_a_release_can_be_named_by_its_beginning(
    planner: Planner, hosts: Hosts, upgraded: Path
) -> None:
    old, _ = releases(hosts.left)
    assert planner("rollback", str(upgraded), old[:10], "--yes").code == 0
    assert hosts.left.current == old
    # the same again has nothing to do: that is how one that failed is finished
    again = planner("rollback", str(upgraded), old, "--yes")
    assert (again.code, hosts.left.current) == (0, old)
    assert "Nothing to do." in again.out


def test_without_a_release_to_go_to_it_says_which_there_are(
    planner: Planner, hosts: Hosts, upgraded: Path
) -> None:
    answer = planner("rollback", str(upgraded), "0000", "--yes")
    assert answer.code == 2
    assert "no host has a release 0000" in answer.err
    assert releases(hosts.left)[0] in answer.err
    assert not hosts.touched
    assert planner("rollback", str(upgraded), "--yes").code == 0
    last = planner("rollback", str(upgraded), "--yes")
    assert last.code == 2
    assert "there is no way back" in last.err


@pytest.mark.parametrize("kind", ["weights/", "image/"])
def test_what_is_gone_refuses_it_before_anything_is_touched(
    planner: Planner, hosts: Hosts, upgraded: Path, kind: str
) -> None:
    gone = next(place for place in hosts.left.places if place.startswith(kind))
    hosts.left.places.discard(gone)
    answer = planner("rollback", str(upgraded), "--yes")
    assert answer.code == 8
    assert "which is gone from left" in " ".join(answer.err.split())
    assert gone in "".join(answer.err.split())
    assert "planner apply" in answer.err
    assert not hosts.touched


def test_a_release_without_its_description_is_refused(
    planner: Planner, hosts: Hosts, upgraded: Path
) -> None:
    hosts.left.releases[releases(hosts.left)[0]]["manifest.json"] = b"{}"
    answer = planner("rollback", str(upgraded), "--yes")
    assert answer.code == 8
    assert "does not say what it needs" in answer.err
    assert not hosts.touched


def test_what_an_earlier_release_needs_survives_the_next_apply(
    planner: Planner, hosts: Hosts, upgraded: Path
) -> None:
    before = set(hosts.left.places)
    write_tiny_gguf(upgraded.parent / "models/tiny.gguf", seed=7)
    assert planner("apply", str(upgraded), "--yes").code == 0
    assert before < hosts.left.places
    assert planner("rollback", str(upgraded), "--yes").code == 0


def test_one_that_failed_says_how_to_finish_it(
    planner: Planner, hosts: Hosts, upgraded: Path
) -> None:
    old, _ = releases(hosts.left)
    hosts.left.breaks["start"] = "no such image"
    current = hosts.left.current
    answer = planner("rollback", str(upgraded), "--yes")
    assert (answer.code, hosts.left.current) == (8, current)
    assert old in answer.err.partition("next")[2]
    hosts.left.breaks.clear()
    assert planner("rollback", str(upgraded), old, "--yes").code == 0
    assert hosts.left.workloads["chat-0"].digest == hosts.left.wanted_digest("chat-0")


@pytest.mark.parametrize("verb", ["rollback", "unlock"])
def test_nobody_to_ask_means_nothing_is_done(
    planner: Planner, hosts: Hosts, upgraded: Path, verb: str
) -> None:
    hosts.left.lock = ("t1", "me@laptop since 10:00: planner apply")
    answer = planner(verb, str(upgraded))
    assert answer.code == 2
    assert "add --yes" in answer.err
    assert not hosts.touched


def test_a_lock_is_shown_and_removed(planner: Planner, hosts: Hosts, upgraded: Path) -> None:
    mine = ("t1", "me@laptop since 10:00: planner apply")
    hosts.left.lock = mine
    refused = planner("rollback", str(upgraded), "--yes")
    assert refused.code == 5
    assert "planner unlock BLUEPRINT --host left" in " ".join(refused.err.split())
    answer = planner("unlock", str(upgraded), "--yes")
    assert answer.code == 0
    assert answer.out == "left  locked by me@laptop since 10:00: planner apply\nright  not locked\n"
    assert [host.lock for host in (hosts.left, hosts.right)] == [None, None]
    data = json.loads(planner("unlock", str(upgraded), "--format", "json").out)
    assert [row["holder"] for row in data["hosts"]] == [None, None]


def test_a_lock_that_changed_hands_stays(
    planner: Planner, hosts: Hosts, upgraded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.left.lock = ("t1", "me")
    remove = returning.remove_locks

    def late(found: returning.Locks) -> object:
        hosts.left.lock = ("t2", "she")
        return remove(found)

    monkeypatch.setattr(returning, "remove_locks", late)
    answer = planner("unlock", str(upgraded), "--yes")
    assert answer.code == 5
    assert hosts.left.lock == ("t2", "she")


def test_unlock_looks_at_the_named_host_only(
    planner: Planner, hosts: Hosts, upgraded: Path
) -> None:
    for each in (hosts.left, hosts.right):
        each.lock = ("t1", "me")
    assert planner("unlock", str(upgraded), "--host", "right", "--yes").code == 0
    assert (hosts.left.lock, hosts.right.lock) == (("t1", "me"), None)
    unknown = planner("unlock", str(upgraded), "--host", "rihgt")
    assert unknown.code == 2
    assert "did you mean right?" in unknown.err


@pytest.mark.parametrize("verb", ["rollback", "unlock"])
def test_a_host_that_is_gone_fails_alone(
    planner: Planner, hosts: Hosts, upgraded: Path, verb: str
) -> None:
    hosts.left.lock = ("t1", "me") if verb == "unlock" else None
    hosts.closed["10.0.0.2"] = HostUnreachable("right cannot be reached", where="right")
    assert planner(verb, str(upgraded), "--yes").code == 4
    assert hosts.left.lock is None
