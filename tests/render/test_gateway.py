"""What keeps a gateway from being rendered, and what a client may reach through it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.blueprint.schema import Task
from planner.diagnostics import Diagnostic
from planner.engines import caddy
from planner.farm import Placement
from planner.render.gateway import services
from planner.sources.templates import load_templates
from planner.workflows import validate

HOSTS: dict[str, Any] = {
    "box": {"address": "me@192.168.1.10"},
    "bare": {"address": "me@192.168.1.11", "runtime": "systemd"},
    "far": {"address": "me@example.org"},
}
IMAGE = f"x/y@sha256:{'a' * 64}"


def found(tmp_path: Path, gateway: Any, **more: Any) -> list[tuple[str, str]]:
    """Where each error is, and what it says."""
    items = validated(tmp_path, gateway, **more)
    return [(item.where, item.summary) for item in items if item.severity == "error"]


def validated(tmp_path: Path, gateway: Any, **more: Any) -> tuple[Diagnostic, ...]:
    """Every finding about the gateway of such a farm."""
    path = tmp_path / "farm.yaml"
    models = {"chat": {"source": "Qwen/Qwen3-8B", "engine": "llama.cpp", "image": IMAGE}}
    document = {"planner": 1, "project": "p", "hosts": HOSTS, "models": models, **more}
    if gateway is not None:
        document["gateway"] = {"image": IMAGE, "caddy": {"image": IMAGE}, **gateway}
    path.write_text(json.dumps(document))
    read = validate(path)
    assert read.farm is not None, read.diagnostics
    return services(Placement(read.farm, ()), load_templates()).diagnostics


def test_a_sound_gateway_has_no_errors(tmp_path: Path) -> None:
    roles = {"monk": {"model": "chat", "notice": "n"}}
    assert found(tmp_path, {"on": "box", "expose": "lan"}, roles=roles) == []


@pytest.mark.parametrize(
    ("gateway", "where", "said"),
    [
        ({}, "gateway.on", "stands on one host"),
        ({"on": ["box", "far"]}, "gateway.on", "stands on one host"),
        ({"on": "bare"}, "gateway.on", "runs no containers"),
        ({"on": "far", "expose": "lan"}, "gateway.expose", "no private address"),
        ({"on": "box", "expose": "public"}, "gateway.expose", "needs a domain"),
        ({"on": "box", "version": "1.82.7"}, "gateway.version", "compromised"),
        ({"on": "box", "version": "1.82.8"}, "gateway.version", "compromised"),
        ({"on": "box", "version": "1.2"}, "gateway.version", "older than"),
        ({"on": "box", "image": "x/y:latest"}, "gateway.image", "no digest"),
        ({"on": "box", "image": {"archive": "./gone.tar"}}, "gateway.image", "could not be read"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_gateway(tmp_path: Path, gateway: Any, where: str, said: str) -> None:
    [(place, summary)] = found(tmp_path, gateway)
    assert place == where
    assert said in summary


@pytest.mark.parametrize(
    ("role", "where", "said"),
    [
        ({"monk": {"model": "chat", "system": "gone.md"}}, "roles.monk.system", "was not read"),
        ({"chat": {"model": "chat"}}, "roles.chat", "both a model and a role"),
        ({"monk": {"model": "chat", "knowledge": "k"}}, "roles.monk.knowledge", "cannot ask"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_role(tmp_path: Path, role: Any, where: str, said: str) -> None:
    stores = {"k": {"engine": "qdrant", "pages": 10, "dimensions": 8}}
    assert any(
        place == where and said in summary
        for place, summary in found(tmp_path, {"on": "box"}, roles=role, stores=stores)
    )


PRICE = {"input": "0.10 EUR/Mtok", "output": "0.40 EUR/Mtok"}


def spending(tmp_path: Path, client: Any, **price: Any) -> list[tuple[str, str]]:
    """Errors about a client that may spend 5 EUR, where both models have these prices."""
    source = {"source": "Qwen/Qwen3-8B", "engine": "llama.cpp", "image": IMAGE}
    models = {name: {**source, **price.get(name, {})} for name in ("chat", "spare")}
    roles = {"monk": {"model": "chat", "fallback": "deputy"}, "deputy": {"model": "spare"}}
    clients = {"phone": {"monthly_cost": "5 EUR", **client}}
    return found(tmp_path, {"on": "box", "clients": clients}, models=models, roles=roles)


def test_money_is_counted_where_every_model_has_a_price(tmp_path: Path) -> None:
    both = {"chat": {"price": PRICE}, "spare": {"price": PRICE}}
    assert spending(tmp_path, {}, **both) == []
    assert spending(tmp_path, {"models": ["chat"]}, chat={"price": PRICE}) == []
    where = "gateway.clients.phone.monthly_cost"
    said = "nothing says what spare costs, which phone may ask for"
    # one that answers in another's place is paid for too
    for client in ({}, {"roles": ["monk"]}, {"models": ["spare"]}):
        assert spending(tmp_path, client, chat={"price": PRICE}) == [(where, said)]


def test_money_is_counted_in_one_currency(tmp_path: Path) -> None:
    dollars = {"input": "1 USD/Mtok", "output": "2 USD/Mtok"}
    [(where, said)] = spending(tmp_path, {"models": ["chat"]}, chat={"price": dollars})
    assert where == "gateway.clients.phone.monthly_cost"
    assert said == "phone spends EUR, and chat costs USD"
    mixed = {"price": {**PRICE, "input": "1 USD/Mtok"}}
    [(where, said)] = spending(tmp_path, {"models": ["chat"]}, chat=mixed)
    assert where == "models.chat.price"
    assert said == "chat is read for USD and written for EUR"


def test_roles_need_a_gateway(tmp_path: Path) -> None:
    [(place, summary)] = found(tmp_path, None, roles={"monk": {"model": "chat"}})
    assert place == "roles"
    assert "no gateway" in summary


def test_a_guard_lets_only_the_paths_of_a_task_through() -> None:
    engines = (
        caddy.Guarded("a-0", Task.CHAT, "a-0:1"),
        caddy.Guarded("e-0-surge", Task.EMBEDDING, "e:2", surge=True),
    )
    text = caddy.guard(":1", ":2", "/k", engines, "/traffic")
    *routes, last = json.loads(text)["apps"]["http"]["servers"]["guard"]["routes"]
    shut, open_routes = routes[::2], routes[1::2]
    for closed, route in zip(shut, open_routes, strict=True):
        assert closed["handle"] == [{"handler": "static_response", "status_code": 503}]
        for match in closed["match"]:
            assert {name: match[name] for name in ("path", "header")} == route["match"][0]
    conditions = [{k: m[k] for k in ("file", "not") if k in m} for r in shut for m in r["match"]]
    assert conditions == [
        {"file": {"root": "/traffic", "try_files": ["/a-0.closed"]}},
        {"file": {"root": "/traffic", "try_files": ["/e-0-surge.closed"]}},
        {"not": [{"file": {"root": "/traffic", "try_files": ["/e-0-surge.open"]}}]},
    ]
    assert [r["match"][0]["path"][0].split("/")[1] for r in shut] == ["a-0", "e-0-surge"]
    paths = {path for route in open_routes for match in route["match"] for path in match["path"]}
    assert paths == {
        "/a-0/v1/chat/completions", "/a-0/v1/completions", "/a-0/v1/models",
        "/e-0-surge/v1/embeddings", "/e-0-surge/v1/models",
    }  # fmt: skip
    keyed = [match["header"] for route in open_routes for match in route["match"]]
    assert keyed == [{"Authorization": ["Bearer {file./k}"]}] * 2
    assert last == {"handle": [{"handler": "static_response", "status_code": 401}]}


def both(engine: str) -> dict[str, Any]:
    """Two adapters at once, of a model on that engine."""
    adapters = {
        name: {"base": "Qwen/Qwen3-8B", "source": f"./adapters/{name}"}
        for name in ("core", "sport")
    }
    chat = {"source": "Qwen/Qwen3-8B", "engine": engine, "image": IMAGE, "adapters": list(adapters)}
    roles = {"sage": {"model": "chat", "adapter": ["core", "sport"]}}
    return {"models": {"chat": chat}, "adapters": adapters, "roles": roles}


@pytest.mark.parametrize("engine", ["vllm", "sglang", "tgi"])
def test_an_engine_of_one_adapter_at_a_time_names_the_command_that_makes_one_of_two(
    tmp_path: Path, engine: str
) -> None:
    (error,) = [
        item
        for item in validated(tmp_path, {"on": "box"}, **both(engine))
        if item.where == "roles.sage.adapter"
    ]
    assert error.severity == "error"
    assert "answers with one adapter at a time" in error.summary
    assert (
        "planner adapters merge ./adapters/core ./adapters/sport --output ./adapters/core-sport"
        in error.advice
    )


def test_llama_cpp_adds_them_up(tmp_path: Path) -> None:
    found = validated(tmp_path, {"on": "box"}, **both("llama.cpp"))
    assert not [item for item in found if item.severity == "error"]
