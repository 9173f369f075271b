"""After an apply a real llama-server is asked whether its settings took effect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.cli.main import run
from tests.farm.control import Farm, Host
from tests.helpers.tiny_gguf import write_tiny_gguf

pytestmark = pytest.mark.farm

Write = Callable[..., str]


@pytest.fixture
def write(
    farm: Farm,
    docker_host: Host,
    systemd_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Write]:
    """Writes a blueprint of one model; ``runtime`` says on which host, the rest is the model's."""
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    path = tmp_path / "proof.yaml"

    def make(runtime: str = "compose", **model: Any) -> str:
        host = docker_host if runtime == "compose" else systemd_host
        document = {
            "planner": 1,
            "project": "proof",
            "hosts": {
                "box": {
                    "address": f"root@{host.address}",
                    "identity": str(farm.key),
                    "ram": "4GiB",
                    "disk": "20GB",
                    "runtime": runtime,
                }
            },
            "models": {
                "chat": {
                    "source": str(tiny_model),
                    "engine": "llama.cpp",
                    "image": {"archive": str(llama_archive)},
                    **model,
                }
            },
        }
        path.write_text(json.dumps(document))
        return str(path)

    yield make
    assert run(["destroy", str(path), "--yes"]) == 0


@pytest.mark.parametrize("runtime", ["compose", "systemd"])
def test_a_server_as_it_was_told_tells_all_of_it(
    write: Write, runtime: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(runtime, context="4k", parallel=2, kv_dtype="q8_0", yarn=1.5)
    assert run(["apply", path, "--yes"]) == 0
    seen = capsys.readouterr()
    asked = "to be as it was told: name, context, pool, parallel, kv dtype, yarn"
    assert asked in " ".join(seen.out.split())
    assert "does not tell" not in seen.err


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            {"context": "4k", "extra_args": ["--ctx-size", "1024"]},
            "context: models.chat.context asks for 4096 or more, llama.cpp says 1024",
        ),
        (
            {"context": "1k", "kv_dtype": "q8_0", "extra_args": ["--cache-type-v", "f16"]},
            "kv_dtype: models.chat.kv_dtype asks for q8_0,q8_0, llama.cpp says q8_0,f16",
        ),
        (
            {"context": "1k", "parallel": 2, "extra_args": ["--parallel", "1"]},
            "parallel: models.chat.parallel asks for 2, llama.cpp says 1",
        ),
    ],
)
def test_a_setting_that_took_no_effect_fails_the_apply(
    write: Write, capsys: pytest.CaptureFixture[str], model: dict[str, Any], said: str
) -> None:
    path = write(**model)
    assert run(["apply", path, "--yes"]) == 9
    error = " ".join(capsys.readouterr().err.split())
    assert said in error
    assert "models.chat.extra_args" in error
    # the next run does not take it for done
    assert run(["apply", path, "--yes"]) == 8
    assert said in " ".join(capsys.readouterr().err.split())
    right = {key: value for key, value in model.items() if key != "extra_args"}
    assert run(["apply", write(**right), "--yes"]) == 0
    assert run(["plan", path, "--detailed-exitcode"]) == 0


def test_active_experts_are_as_many_as_were_asked_for(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixture = write_tiny_gguf(tmp_path / "mixture.gguf", experts=4, experts_used=2)
    asked = {"source": str(mixture), "context": "1k", "experts_per_token": 3}
    path = write(**asked)
    assert run(["apply", path, "--yes"]) == 0
    seen = capsys.readouterr()
    assert "to be as it was told: name, context, pool, experts" in " ".join(seen.out.split())
    assert "does not tell" not in seen.err
    # a later option of the same name has the last word, and the server says nothing of it
    wrong = ["--override-kv", "qwen3moe.expert_used_count=int:1"]
    assert run(["apply", write(**asked, extra_args=wrong), "--yes"]) in (8, 9)
    said = "experts: models.chat.experts_per_token asks for 3, llama.cpp says 1"
    assert said in " ".join(capsys.readouterr().err.split())


def test_beside_a_model_that_serves_only_the_new_one_fails(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(write(context="1k", parallel=1))
    assert run(["apply", str(path), "--yes"]) == 0
    document = json.loads(path.read_text())
    chat = document["models"]["chat"]
    document["models"]["wrong"] = {**chat, "context": "4k", "extra_args": ["--ctx-size", "512"]}
    path.write_text(json.dumps(document))
    assert run(["apply", str(path), "--yes"]) == 8
    capsys.readouterr()
    assert run(["status", str(path), "--format", "json"]) == 0
    (host,) = json.loads(capsys.readouterr().out)["hosts"]
    states = {item["name"]: item["health"] for item in host["workloads"]}
    assert states["chat-0"] == "running"
