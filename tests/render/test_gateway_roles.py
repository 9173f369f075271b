"""What the gateway's hooks make of requests and answers: the rules alone, without the proxy."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LORA = {"lora": [{"id": 0, "scale": 1}]}


@pytest.fixture(scope="module")
def rules() -> ModuleType:
    """The module as it lies on a gateway's host."""
    import importlib.util

    path = ROOT / "templates/gateway/planner_roles.py"
    spec = importlib.util.spec_from_file_location("planner_roles", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["planner_roles"] = module
    spec.loader.exec_module(module)
    return module


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def asked(rules: ModuleType, role: Any, **request: Any) -> Any:
    entry = rules.Entry("http://x/v1", "r", LORA, None)
    return rules.as_role(role, entry, {"messages": [user("hi")], **request})


def test_a_prompt_goes_before_what_the_client_says(rules: ModuleType) -> None:
    changed = asked(rules, rules.Role(system="be calm"))
    assert changed["messages"] == [{"role": "system", "content": "be calm"}, user("hi")]


def test_a_clients_own_prompt_stays_below_in_one_message(rules: ModuleType) -> None:
    own = [{"role": "system", "content": "be brief"}, user("hi")]
    changed = asked(rules, rules.Role(system="be calm"), messages=own)
    assert changed["messages"] == [{"role": "system", "content": "be calm\n\nbe brief"}, user("hi")]
    parts = [{"role": "system", "content": [{"type": "text", "text": "be brief"}]}]
    changed = asked(rules, rules.Role(system="be calm"), messages=parts)
    texts = [part["text"] for part in changed["messages"][0]["content"]]
    assert texts == ["be calm", "be brief"]


def test_a_completion_begins_with_the_prompt(rules: ModuleType) -> None:
    entry = rules.Entry("http://x/v1", "r", {}, None)
    changed = rules.as_role(rules.Role(system="be calm"), entry, {"prompt": "once"})
    assert changed["prompt"] == "be calm\n\nonce"


def test_sampling_is_used_where_the_client_says_nothing(rules: ModuleType) -> None:
    role = rules.Role(sampling={"temperature": 0.5, "top_k": 3, "max_tokens": 9})
    assert asked(rules, role)["temperature"] == 0.5
    assert asked(rules, role, temperature=0)["temperature"] == 0
    assert asked(rules, role)["extra_body"] == {"top_k": 3, **LORA}
    changed = asked(rules, role, top_k=7)
    assert changed["extra_body"]["top_k"] == 7
    assert "top_k" not in changed


def test_clients_choose_no_adapter_and_no_server(rules: ModuleType) -> None:
    wanted = {"lora": [], "api_base": "http://elsewhere", "fallbacks": ["x"], "api_key": "k"}
    request = {"model": "chat", "stream": True, **wanted, "extra_body": wanted}
    assert rules.refuse_overrides(request) == {"model": "chat", "stream": True}


def answer(*texts: str | None) -> Any:
    choices = [
        SimpleNamespace(index=at, message=SimpleNamespace(content=text))
        for at, text in enumerate(texts)
    ]
    return SimpleNamespace(choices=choices)


def chunk(index: int, text: str | None) -> Any:
    delta = SimpleNamespace(content=text)
    return SimpleNamespace(choices=[SimpleNamespace(index=index, delta=delta)])


def test_a_notice_stands_before_every_choice(rules: ModuleType) -> None:
    said = answer("one", "two", None)
    rules.note_answer("beware", said)
    texts = [choice.message.content for choice in said.choices]
    assert texts == ["beware\n\none", "beware\n\ntwo", None]
    plain = answer("one")
    rules.note_answer("", plain)
    assert plain.choices[0].message.content == "one"


def test_a_notice_stands_once_in_a_stream(rules: ModuleType) -> None:
    notices = rules.Notices("beware")
    chunks = [chunk(0, None), chunk(0, "a"), chunk(1, "x"), chunk(0, "b"), chunk(1, "")]
    for item in chunks:
        rules.note_chunk(notices, item)
    texts = [item.choices[0].delta.content for item in chunks]
    assert texts == [None, "beware\n\na", "beware\n\nx", "b", ""]


def test_a_key_is_its_clients_and_nobody_elses(rules: ModuleType, tmp_path: Path) -> None:
    settings = rules.Settings(written(tmp_path))
    assert settings.client("sk-alice").name == "alice"
    assert settings.client("sk-bob").names == ("chat",)
    for other in ("", "sk-alic", "sk-alice ", "SK-ALICE"):
        assert settings.client(other) is None
    assert settings.role_of("monk/chat-0").notice == "beware"
    assert settings.role_of("chat/chat-0").notice == ""
    assert settings.role_of(None).notice == ""
    assert settings.entries["monk/chat-0"].key == "engine"


def test_files_say_who_gets_requests(rules: ModuleType, tmp_path: Path) -> None:
    entry = rules.Settings(written(tmp_path)).entries["monk/chat-0"]
    assert not entry.shut
    (tmp_path / "chat-0.closed").touch()
    assert entry.shut
    beside = replace(entry, shut_by=tmp_path / "s.closed", opened_by=tmp_path / "s.open")
    assert beside.shut
    (tmp_path / "s.open").touch()
    assert not beside.shut
    (tmp_path / "s.closed").touch()
    assert beside.shut
    assert not replace(entry, shut_by=None).shut


def test_tokens_are_counted_for_each_client_and_kept(rules: ModuleType, tmp_path: Path) -> None:
    usage = rules.Usage(tmp_path / "usage.sqlite")
    usage.add("alice", 5)
    usage.add("alice", 7)
    usage.add("bob", 1)
    again = rules.Usage(tmp_path / "usage.sqlite")
    assert [again.of(name) for name in ("alice", "bob", "carol")] == [12, 1, 0]


def test_money_is_counted_to_the_last_digit(rules: ModuleType, tmp_path: Path) -> None:
    settings = rules.Settings(written(tmp_path))
    price = settings.entries["chat/chat-0"].price
    assert price.of(1, 0) == Decimal("0.0000001")
    usage = rules.Usage(tmp_path / "usage.sqlite")
    for _ in range(10):
        usage.spend("bob", price.currency, price.of(1, 0))
    usage.spend("bob", "EUR", Decimal("1e20"))
    again = rules.Usage(tmp_path / "usage.sqlite")
    assert again.spent("bob", "EUR") == Decimal("100000000000000000000.000001")
    assert [again.spent("bob", "USD"), again.spent("alice", "EUR")] == [0, 0]


def test_who_has_spent_its_money_waits_for_the_next_month(
    rules: ModuleType, tmp_path: Path
) -> None:
    settings = rules.Settings(written(tmp_path))
    usage = rules.Usage(settings.usage)
    alice, bob = settings.clients
    usage.spend("bob", "EUR", Decimal("0.299999"))
    assert bob.refused(usage) is None
    usage.spend("bob", "EUR", Decimal("0.000001"))
    assert bob.refused(usage) == "bob has spent its 0.30 EUR of this month"
    usage.add("bob", 9)
    assert bob.refused(usage) == "bob has used its 9 tokens of this month"
    assert alice.refused(usage) is None


def test_tokens_of_every_kind_of_answer_are_read(rules: ModuleType) -> None:
    chat = SimpleNamespace(prompt_tokens=5, completion_tokens=2, total_tokens=7)
    vectors = SimpleNamespace(prompt_tokens=5, total_tokens=5)
    assert rules.tokens_of(SimpleNamespace(usage=chat)) == (5, 2)
    assert rules.tokens_of(SimpleNamespace(usage=vectors)) == (5, 0)
    order = SimpleNamespace(meta={"tokens": {"input_tokens": 11}})  # as the proxy's rerankers say
    assert rules.tokens_of(order) == (11, 0)
    assert rules.tokens_of(SimpleNamespace(meta=None)) == (0, 0)


def written(folder: Path) -> Path:
    for name in ("alice", "bob"):
        (folder / name).write_text(f"sk-{name}\n")
    (folder / "engine").write_text("engine")
    price = {"currency": "EUR", "input": "0.1", "output": "0.7"}
    row = {
        "base": "http://x/v1",
        "shut_by": str(folder / "chat-0.closed"),
        "opened_by": None,
        "body": {},
        "key": str(folder / "engine"),
        "price": price,
    }
    free = {"monthly_tokens": None, "monthly_cost": None}
    document = {
        "usage": str(folder / "usage.sqlite"),
        "clients": {
            "alice": {"key": str(folder / "alice"), "names": ["monk"], **free},
            "bob": {
                "key": str(folder / "bob"),
                "names": ["chat"],
                "monthly_tokens": 9,
                "monthly_cost": {"amount": "0.30", "currency": "EUR"},
            },
        },
        "roles": {"monk": {"system": "", "notice": "beware", "sampling": {}}},
        "entries": {"monk/chat-0": {**row, "role": "monk"}, "chat/chat-0": {**row, "role": None}},
    }
    path = folder / "gateway.json"
    path.write_text(json.dumps(document))
    return path
