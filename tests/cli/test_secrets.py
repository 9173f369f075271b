"""Secrets through the verbs that reach hosts, on hosts in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.cli import applying
from planner.errors import UsageError
from planner.secret import SecretValue
from tests.cli.conftest import Planner
from tests.cli.test_hosts import FARM, Hosts, farm, hosts

__all__ = ["farm", "hosts"]
VALUE = "correct-horse-battery"
KEYED = FARM.replace("CONTEXT", "4k").replace("on: left", "on: left\n    api_key: secret:chat-key")


@pytest.fixture
def keyed(farm: Path) -> Path:
    farm.write_text(f"{KEYED}secrets:\n  chat-key: {{}}\n")
    return farm


def declared(path: Path, source: str) -> Path:
    path.write_text(f"{KEYED}secrets:\n  chat-key: {source}\n")
    return path


def kept(path: Path) -> Path:
    return path.parent / ".planner/secrets/farm/chat-key"


def test_planner_makes_one_and_a_second_apply_needs_nothing(
    planner: Planner, hosts: Hosts, keyed: Path
) -> None:
    plan = planner("plan", str(keyed))
    assert "+ secret   chat-key: not on the host yet, chat-0 needs it" in plan.out
    assert not kept(keyed).exists()  # a plan makes nothing
    assert planner("apply", str(keyed), "--yes").code == 0
    value = kept(keyed).read_bytes()
    assert hosts.left.secrets == {"secrets/chat-key@65534": value}
    assert not hosts.right.secrets
    assert not hosts.left.unread
    assert "Nothing to do" in planner("apply", str(keyed), "--yes").out


def test_another_machine_takes_it_back_from_the_hosts(
    planner: Planner, hosts: Hosts, keyed: Path
) -> None:
    planner("apply", str(keyed), "--yes")
    value = kept(keyed).read_bytes()
    kept(keyed).unlink()
    assert "Nothing to do" in planner("apply", str(keyed), "--yes").out
    # another host needs it now: it gets the one that is in use
    keyed.write_text(
        keyed.read_text().replace("on: right", "on: right\n    api_key: secret:chat-key")
    )
    assert planner("apply", str(keyed), "--yes").code == 0
    assert hosts.right.secrets == {"secrets/chat-key": value}
    assert kept(keyed).read_bytes() == value


def test_destroy_brings_it_home(planner: Planner, hosts: Hosts, keyed: Path) -> None:
    planner("apply", str(keyed), "--yes")
    value = kept(keyed).read_bytes()
    kept(keyed).unlink()
    assert planner("destroy", str(keyed), "--yes").code == 0
    assert not hosts.left.secrets
    assert kept(keyed).read_bytes() == value


def test_a_changed_variable_restarts_its_user_alone(
    planner: Planner, hosts: Hosts, keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(keyed, "{env: CHAT_KEY}")
    monkeypatch.setenv("CHAT_KEY", VALUE)
    assert planner("apply", str(keyed), "--yes").code == 0
    starts = hosts.left.starts, hosts.right.starts
    monkeypatch.setenv("CHAT_KEY", "another-horse")
    answer = planner("apply", str(keyed), "--yes")
    assert "~ secret   chat-key: the host has another value than $CHAT_KEY" in answer.out
    # once beside the one that serves, once in its place
    assert (hosts.left.starts, hosts.right.starts) == (starts[0] + 2, starts[1])
    assert hosts.left.secrets == {"secrets/chat-key@65534": b"another-horse"}
    assert VALUE not in answer.out + answer.err
    assert "another-horse" not in answer.out + answer.err


def test_one_that_is_missing_stops_an_apply_only_where_it_is_needed(
    planner: Planner, hosts: Hosts, keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(keyed, "{env: CHAT_KEY}")
    answer = planner("apply", str(keyed), "--yes")
    assert answer.code == 3
    assert "CHAT_KEY is not set" in " ".join(answer.err.split())
    assert not hosts.touched
    monkeypatch.setenv("CHAT_KEY", VALUE)
    planner("apply", str(keyed), "--yes")
    monkeypatch.delenv("CHAT_KEY")
    again = planner("apply", str(keyed), "--yes")
    assert again.code == 0
    assert "the hosts keep the value that they have" in " ".join(again.err.split())
    assert hosts.left.secrets == {"secrets/chat-key@65534": VALUE.encode()}


def test_a_typed_one_is_asked_for_once(
    planner: Planner, hosts: Hosts, keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(keyed, "{prompt: true}")
    answer = planner("apply", str(keyed), "--yes")
    assert answer.code == 2
    assert "nobody is there to type secret 'chat-key'" in answer.err
    assert not hosts.touched
    asked: list[str] = []

    def ask(name: str) -> SecretValue:
        asked.append(name)
        return SecretValue(VALUE.encode())

    monkeypatch.setattr(applying, "ask_secret", ask)
    assert planner("apply", str(keyed), "--yes").code == 0
    assert planner("apply", str(keyed), "--yes").code == 0
    assert asked == ["chat-key"]
    assert not kept(keyed).exists()
    assert hosts.left.secrets == {"secrets/chat-key@65534": VALUE.encode()}


def test_a_saved_plan_says_where_it_comes_from_and_never_what_it_is(
    planner: Planner, hosts: Hosts, keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(keyed, "{env: CHAT_KEY}")
    monkeypatch.setenv("CHAT_KEY", VALUE)
    planner("plan", str(keyed), "--out", "plan.json")
    text = Path("plan.json").read_text()
    assert VALUE not in text
    assert json.loads(text)
    assert planner("apply", "plan.json", "--yes").code == 0
    assert hosts.left.secrets == {"secrets/chat-key@65534": VALUE.encode()}


def test_a_plan_may_be_made_where_nobody_has_it(
    planner: Planner, hosts: Hosts, keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(keyed, "{env: CHAT_KEY}")
    monkeypatch.delenv("CHAT_KEY", raising=False)
    answer = planner("plan", str(keyed), "--out", "plan.json")
    assert (answer.code, "CHAT_KEY" in answer.err) == (0, True)
    assert planner("apply", str(keyed), "--yes").code == 3
    monkeypatch.setenv("CHAT_KEY", VALUE)
    assert planner("apply", "plan.json", "--yes").code == 0
    assert hosts.left.secrets == {"secrets/chat-key@65534": VALUE.encode()}


def test_what_an_engine_says_of_it_is_covered(
    planner: Planner, hosts: Hosts, keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(keyed, "{env: CHAT_KEY}")
    monkeypatch.setenv("CHAT_KEY", VALUE)

    def dies(name: str, workload: object) -> None:
        workload.state = "exited"  # type: ignore[attr-defined]
        workload.log = f"bad key {VALUE}\n"  # type: ignore[attr-defined]

    hosts.left.on_start = dies
    answer = planner("apply", str(keyed), "--yes")
    assert answer.code == 9
    assert "bad key <secret chat-key>" in answer.err
    assert VALUE not in answer.out + answer.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("api_key: secret:chat-kez", "did you mean chat-key?"),
        (f"api_key: {VALUE}", "secret:<name>"),
        ("extra_args: [secret:chat-key]", "cannot be an argument"),
        ("environment: {A-B: x}", "no name of a variable"),
    ],
)
def test_a_wrong_reference_is_named_and_a_value_is_not_repeated(
    planner: Planner, keyed: Path, line: str, said: str
) -> None:
    keyed.write_text(keyed.read_text().replace("api_key: secret:chat-key", line))
    answer = planner("validate", str(keyed))
    assert answer.code == 3
    assert said in answer.err.replace("\n", " ")
    assert VALUE not in answer.out + answer.err


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{env: A, file: b}", "env and file"),
        ("{key: a}", "write sops too"),
        ("{identity: a}", "write age too"),
        ("{env: 1A}", "does not look as it should"),
        ("{envy: A}", "did you mean env?"),
    ],
)
def test_a_wrong_place_is_named(planner: Planner, keyed: Path, source: str, said: str) -> None:
    answer = planner("validate", str(declared(keyed, source)))
    assert answer.code == 3
    assert said in answer.err


def test_nobody_types_into_a_pipe() -> None:
    with pytest.raises(UsageError, match="nobody is there"):
        applying.ask_secret("name")
