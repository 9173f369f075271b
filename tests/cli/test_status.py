"""What status says of replicas: roles, devices, memory, speed, and whether they are as told."""
# ruff: noqa: F401, F811

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.remote.transport import HttpAnswer, HttpRequest
from tests.cli.conftest import Planner
from tests.cli.test_hosts import Hosts, applied, farm, hosts, narrow
from tests.cli.test_learning import talking
from tests.engines.test_api import LLAMA_METRICS

ROLES = """\
roles:
  philosopher: {model: chat, system: ./sage.md}
  poet: {model: chat, system: ./sage.md}
gateway: {on: left}
"""


def answering(context: int, metrics: str = LLAMA_METRICS) -> Any:
    props = {
        "default_generation_settings": {"n_ctx": context},
        "total_slots": 1,
        "model_alias": "chat",
    }
    bodies = {"/props": json.dumps(props), "/lora-adapters": "[]", "/metrics": metrics}

    def answer(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(200, bodies.get(request.path, "").encode())

    return answer


def replica(planner: Planner, path: Path) -> dict[str, Any]:
    answer = json.loads(planner("status", str(path), "--format", "json").out)
    found: dict[str, Any] = answer["hosts"][0]["workloads"][0]
    return found


def test_the_table_has_model_device_memory_and_speed(
    planner: Planner, hosts: Hosts, talking: Path
) -> None:
    hosts.left.answers = answering(4096)
    shown = planner("status", str(talking))
    assert narrow(shown)
    rows = ("replica", "chat-0", "helper-0")
    lines = [line.split() for line in shown.out.splitlines() if line.startswith(rows)]
    head, chat, helper = lines
    assert head == ["replica", "model", "roles", "device", "memory", "real", "tokens/s"]
    assert chat[:6] == ["chat-0", "tiny.gguf", "-", "CPU", "of", "left"]
    assert chat[-1] == "10.0"
    assert chat[-3:-1] == ["81.1", "MiB"]  # 0.58 + 77 + 3.5: what the log said
    assert helper[0] == "helper-0"
    assert helper[-2:] == ["-", "-"]
    found = replica(planner, talking)
    assert found["model"] == "chat"
    assert found["devices"] == []
    assert found["tokens_per_second"] == {"decode": 10, "prefill": 50}
    assert found["memory_bytes"]["real"] == pytest.approx(81.08 * 2**20, rel=0.01)


def test_roles_stand_beside_the_replicas_that_answer_for_them(
    planner: Planner, hosts: Hosts, applied: Path
) -> None:
    (applied.parent / "sage.md").write_text("You are wise.")
    applied.write_text(applied.read_text() + ROLES)
    shown = planner("status", str(applied))
    assert "philosopher, ~" in shown.out or "philosopher~" in shown.out, shown.out
    assert replica(planner, applied)["roles"] == ["philosopher", "poet"]


def test_an_engine_that_is_not_as_it_was_told_is_named(
    planner: Planner, hosts: Hosts, applied: Path
) -> None:
    hosts.left.answers = answering(1024)
    shown = planner("status", str(applied))
    assert "! chat-0: context should be 4096, it says 1024" in shown.out
    settings = {item["name"]: item for item in replica(planner, applied)["settings"]}
    assert settings["context"] == {
        "name": "context",
        "key": "models.chat.context",
        "asked": "4096",
        "said": "1024",
        "holds": False,
    }
    assert settings["parallel"]["holds"] is True
    assert settings["pool"]["holds"] is None  # its log alone says that


def test_before_anybody_asked_there_is_no_speed(
    planner: Planner, hosts: Hosts, applied: Path
) -> None:
    hosts.left.answers = answering(4096, LLAMA_METRICS.replace(" 40", " 0").replace(" 4\n", " 0\n"))
    assert replica(planner, applied)["tokens_per_second"]["decode"] is None
    hosts.left.answers = lambda _: None
    assert replica(planner, applied)["tokens_per_second"]["decode"] is None
    assert replica(planner, applied)["settings"] == []
