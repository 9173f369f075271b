"""Adapters on real hosts: one base answers as itself or as either of two adapters, by request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from planner import deployment
from planner.apply.result import ApplyResult
from tests.farm.control import Farm, Host
from tests.helpers.tiny_lora import write_tiny_lora

pytestmark = pytest.mark.farm

ASK = """
import sys, urllib.request as u
url, body = sys.argv[1:]
headers = {"Content-Type": "application/json"}
print(u.urlopen(u.Request(url, body.encode() or None, headers), timeout=60).read().decode())
"""
NAMES = ("calm", "loud")


def ask(host: Host, url: str, body: dict[str, Any] | None = None) -> Any:
    """What the server at ``url`` says, asked on its own host."""
    text = json.dumps(body) if body else ""
    return json.loads(host.run("python3", "-c", ASK, url, text).stdout)


def answer(host: Host, url: str, **scales: float) -> str:
    """What the model says with adapters ``a0`` and ``a1`` at those scales, the same every time;
    without any it is asked by its plain name."""
    question: dict[str, Any] = {
        "messages": [{"role": "user", "content": "what is a farm"}],
        "temperature": 0,
        "seed": 1,
        "max_tokens": 12,
    }
    if scales:
        question["lora"] = [{"id": int(key[1:]), "scale": scale} for key, scale in scales.items()]
    said = ask(host, f"{url}/v1/chat/completions", question)
    return str(said["choices"][0]["message"]["content"])


def apply(path: Path) -> ApplyResult:
    with deployment.planning(path) as planned:
        deployment.refuse_unbuilt(planned.farm)
        deployment.stop_for(planned)
        return deployment.carry_out(planned, lambda _: None, "apply")


@pytest.fixture
def blueprint(
    farm: Farm,
    docker_host: Host,
    systemd_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    for seed, name in enumerate(NAMES):
        write_tiny_lora(tmp_path / f"{name}.gguf", seed=seed)
    hosts = {"left": (docker_host, "compose"), "right": (systemd_host, "systemd")}
    document = {
        "planner": 1,
        "project": "adapters",
        "hosts": {
            name: {
                "address": f"root@{host.address}",
                "identity": str(farm.key),
                "ram": "4GiB",
                "runtime": runtime,
            }
            for name, (host, runtime) in hosts.items()
        },
        "models": {
            f"chat-{name}": {
                "source": str(tiny_model),
                "engine": "llama.cpp",
                "image": {"archive": str(llama_archive)},
                "context": "1k",
                "parallel": 1,
                "adapters": list(NAMES),
                "on": name,
            }
            for name in hosts
        },
        "adapters": {
            name: {"base": str(tiny_model), "source": f"./{name}.gguf", "rank": 4} for name in NAMES
        },
    }
    path = tmp_path / "adapters.yaml"
    path.write_text(json.dumps(document))  # JSON is YAML
    yield path
    with deployment.clearing(path) as planned:
        cleared = deployment.carry_out(planned, lambda _: None, "destroy")
    assert cleared.errors == ()


def test_one_base_answers_as_itself_and_as_each_adapter(
    blueprint: Path, docker_host: Host, systemd_host: Host
) -> None:
    assert apply(blueprint).errors == ()
    hosts = {"left": docker_host, "right": systemd_host}
    with deployment.planning(blueprint) as planned:
        assert planned.plan.empty, planned.plan.operations
        places = [(hosts[r.host.name], f"http://{r.bind}:{r.port}") for r in planned.replicas]
    assert len(places) == 2
    for host, url in places:
        listed = ask(host, f"{url}/lora-adapters")
        assert [(row["id"], Path(row["path"]).stem) for row in listed] == [(0, "calm"), (1, "loud")]
        plain, first, second = answer(host, url), answer(host, url, a0=1), answer(host, url, a1=1)
        both, neither = answer(host, url, a0=1, a1=1), answer(host, url, a0=0, a1=0)
        assert plain == answer(host, url) == neither
        assert len({plain, first, second, both}) == 4, (plain, first, second, both)

    write_tiny_lora(blueprint.with_name("loud.gguf"), seed=7)
    with deployment.planning(blueprint) as planned:
        kinds = {(step.host, step.kind) for step in planned.plan.operations}
    assert {("left", "push"), ("right", "push")} <= kinds
    before = [answer(host, url, a1=1) for host, url in places]
    assert apply(blueprint).errors == ()
    after = [answer(host, url, a1=1) for host, url in places]
    assert all(old != new for old, new in zip(before, after, strict=True))
    with deployment.planning(blueprint) as planned:
        assert planned.plan.empty
