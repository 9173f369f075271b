"""Adapters that come and go while their engine runs, its process the same; and those that cannot.

vLLM needs a card: a program that answers as its server does stands in for it. llama-server is real.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from planner.cli.main import run
from tests.e2e.test_adapters import ASK
from tests.farm.control import Farm, Host
from tests.farm.layout import GATEWAY
from tests.helpers import vllm_server
from tests.helpers.hub import stand_in
from tests.helpers.tiny_lora import write_tiny_lora
from tests.helpers.tiny_peft import write_tiny_peft

pytestmark = pytest.mark.farm

MODEL = "Qwen/Qwen3-0.6B"
HIDDEN, FEED = 1024, 3072
PROGRAM = "opt/vllm/bin/vllm"
CARD, MIB = "NVIDIA GeForce RTX 4090", 24564


@dataclass
class Bench:
    """A blueprint with vLLM on one host, and the command line."""

    path: Path
    host: Host
    farm: Farm
    capsys: pytest.CaptureFixture[str]
    adapters: dict[str, str] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    def write(self, **adapters: str) -> None:
        """Tiers by name; each one's files lie beside the blueprint."""
        self.adapters = adapters
        document = {
            "planner": 1,
            "project": "hot",
            "hosts": {
                "box": {
                    "address": f"root@{self.host.address}",
                    "identity": str(self.farm.key),
                    "gpus": ["rtx-4090"],
                    "ram": "64GiB",
                    "disk": "20GB",
                    "runtime": "systemd",
                }
            },
            "models": {
                "agi": {
                    "source": MODEL,
                    "engine": "vllm",
                    "binary": f"/{PROGRAM}",
                    "context": "4k",
                    "adapters": adapters,
                    **self.model,
                }
            },
            "adapters": {
                name: {"base": MODEL, "source": f"./{name}", "rank": 4} for name in adapters
            },
        }
        self.path.write_text(json.dumps(document))

    def do(self, verb: str, *words: str, code: int = 0) -> str:
        self.capsys.readouterr()
        found = run([verb, str(self.path), *words])
        seen = self.capsys.readouterr()
        assert found == code, seen.err
        return seen.out

    def plan(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.do("plan", "--format", "json"))
        return found

    def process(self) -> str:
        unit = "planner-hot-agi-0.service"
        return self.host.run("systemctl", "show", unit, "--property=MainPID", "--value").stdout

    def url(self) -> str:
        (host,) = json.loads(self.do("status", "--format", "json"))["hosts"]
        return str(host["workloads"][0]["url"])

    def ask(self, url: str, model: str) -> str:
        body = json.dumps({"model": model, "messages": []})
        said = self.host.run("python3", "-c", ASK, f"{url}/v1/chat/completions", body).stdout
        return str(json.loads(said)["choices"][0]["message"]["content"])

    def served(self, url: str) -> dict[str, str]:
        said = self.host.run("python3", "-c", ASK, f"{url}/v1/models", "").stdout
        rows = json.loads(said)["data"]
        return {row["id"]: row["root"] for row in rows if row["parent"]}


@pytest.fixture
def bench(
    farm: Farm,
    systemd_host: Host,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    program = systemd_host.root / PROGRAM
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(vllm_server.__file__, program)
    program.chmod(0o755)
    systemd_host.gpu(CARD, MIB)
    for seed, name in enumerate(("core", "sport", "third")):
        write_tiny_peft(tmp_path / name, base=MODEL, hidden=HIDDEN, feed=FEED, seed=seed)
    made = Bench(tmp_path / "hot.yaml", systemd_host, farm, capsys)
    files = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}"}
    with stand_in({MODEL: files}, GATEWAY) as (server, _):
        monkeypatch.setenv("HF_ENDPOINT", f"http://{server}")
        made.write(core="vram", sport="ram")
        made.do("lock")
        yield made
        made.do("destroy", "--yes")
    systemd_host.gpu(CARD, MIB, 0)
    shutil.rmtree(program.parents[1])


def test_a_third_adapter_restarts_nothing_and_outlives_a_restart(bench: Bench) -> None:
    bench.do("apply", "--yes")
    before, url = bench.process(), bench.url()
    assert set(bench.served(url)) == {"core", "sport"}
    answers = {name: bench.ask(url, name) for name in ("agi", "core", "sport")}
    assert len(set(answers.values())) == 3

    bench.write(core="vram", sport="ram", third="ram")
    plan = bench.plan()
    assert plan["interruptions"] == []
    assert plan["summary"] == {"create": 0, "update": 0, "delete": 0, "keep": 1}
    kinds = [step["kind"] for step in plan["operations"]]
    assert kinds == ["push", "push", "write", "load", "activate"]
    bench.do("apply", "--yes")
    assert bench.process() == before
    assert {name: bench.ask(url, name) for name in answers} == answers
    third = bench.ask(url, "third")
    assert third not in answers.values()
    assert "Nothing to do" in bench.do("plan")

    # what was loaded while it ran is loaded again when it starts by itself
    bench.host.run("systemctl", "restart", "planner-hot-agi-0.service")
    bench.host.run("sh", "-c", f"until curl -fs {url}/health; do sleep 0.1; done")
    assert bench.process() != before
    assert bench.ask(url, "third") == third
    assert "Nothing to do" in bench.do("plan")


def test_changed_files_are_loaded_in_place_and_a_gone_adapter_is_given_up(bench: Bench) -> None:
    bench.do("apply", "--yes")
    before, url = bench.process(), bench.url()
    was = bench.served(url)["core"]
    old = bench.ask(url, "core")
    folder = bench.path.parent / "core"
    write_tiny_peft(folder, base=MODEL, hidden=HIDDEN, feed=FEED, seed=9)
    bench.write(core="vram")
    kinds = [step["kind"] for step in bench.plan()["operations"]]
    assert [kind for kind in kinds if kind in ("load", "unload", "start")] == ["unload", "load"]
    bench.do("apply", "--yes")
    assert bench.process() == before
    assert set(bench.served(url)) == {"core"}
    assert bench.served(url)["core"] != was
    assert bench.ask(url, "core") != old
    # two releases are kept, so the way back is open: it loads what was served then
    bench.do("rollback", "--yes")
    assert bench.process() == before
    assert bench.served(url)["core"] == was
    assert bench.ask(url, "core") == old
    assert set(bench.served(url)) == {"core", "sport"}


def test_one_more_on_the_card_stops_it_and_the_plan_says_so(bench: Bench) -> None:
    bench.do("apply", "--yes")
    before = bench.process()
    bench.write(core="vram", sport="ram", third="vram")
    (stop,) = bench.plan()["interruptions"]
    assert stop["workload"] == "agi-0"
    assert "its settings changed with its adapters (new: third)" in stop["why"]
    bench.do("apply", "--yes")
    assert bench.process() != before
    assert set(bench.served(bench.url())) == {"core", "sport", "third"}


def test_where_others_reach_the_port_nothing_is_loaded_over_it(bench: Bench) -> None:
    bench.model = {"expose": "lan"}
    bench.write(core="vram", sport="ram")
    bench.do("apply", "--yes")
    before = bench.process()
    bench.write(core="vram", sport="ram", third="ram")
    (stop,) = bench.plan()["interruptions"]
    assert "its adapters changed (new: third), which it takes at start only" in stop["why"]
    bench.do("apply", "--yes")
    assert bench.process() != before


def test_llama_server_takes_them_at_start_and_the_plan_says_for_how_long(
    farm: Farm,
    docker_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    path = tmp_path / "cold.yaml"

    def write(*names: str) -> None:
        for seed, name in enumerate(names):
            write_tiny_lora(tmp_path / f"{name}.gguf", seed=seed)
        document = {
            "planner": 1,
            "project": "cold",
            "hosts": {
                "box": {
                    "address": f"root@{docker_host.address}",
                    "identity": str(farm.key),
                    "ram": "4GiB",
                    "disk": "20GB",
                }
            },
            "models": {
                "chat": {
                    "source": str(tiny_model),
                    "engine": "llama.cpp",
                    "image": {"archive": str(llama_archive)},
                    "context": "1k",
                    "parallel": 1,
                    "adapters": list(names),
                }
            },
            "adapters": {
                name: {"base": str(tiny_model), "source": f"./{name}.gguf"} for name in names
            },
        }
        path.write_text(json.dumps(document))

    def do(verb: str, *words: str) -> str:
        capsys.readouterr()
        assert run([verb, str(path), *words]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    write("calm")
    do("apply", "--yes")
    try:
        write("calm", "loud")
        (stop,) = json.loads(do("plan", "--format", "json"))["interruptions"]
        assert stop["why"].startswith(
            "its adapters changed (new: loud), which it takes at start only"
        )
        assert stop["seconds"] >= 5
        do("apply", "--yes")
        (host,) = json.loads(do("status", "--format", "json"))["hosts"]
        url = host["workloads"][0]["url"]
        listed = json.loads(
            docker_host.run("python3", "-c", ASK, f"{url}/lora-adapters", "").stdout
        )
        assert [Path(row["path"]).stem for row in listed] == ["calm", "loud"]
    finally:
        do("destroy", "--yes")


def test_a_container_reads_the_list_of_the_current_release_at_each_start(
    docker_host: Host, llama_archive: Path
) -> None:
    """Compose files mount a folder through the link ``current``, which Docker follows anew."""
    base = "/var/tmp/linked"
    for release in ("old", "new"):
        docker_host.run("mkdir", "-p", f"{base}/{release}/lists")
        docker_host.run("sh", "-c", f"echo {release} >{base}/{release}/lists/chat")
    docker_host.run("ln", "-sfn", "old", f"{base}/current")
    (docker_host.root / "var/tmp/root.tar").write_bytes(llama_archive.read_bytes())
    docker_host.run("docker", "import", "/var/tmp/root.tar", "linked")
    try:
        bound = f"type=bind,source={base}/current/lists,target=/lists,readonly"
        docker_host.run("docker", "run", "--detach", "--name", "linked", "--mount", bound, "linked",
                        "sh", "-c", "cat /lists/chat; sleep 600")  # fmt: skip
        docker_host.run("ln", "-sfn", "new", f"{base}/current")
        docker_host.run("docker", "restart", "--time", "0", "linked")
        said = docker_host.run("docker", "logs", "linked").stdout
        assert said.split() == ["old", "new"]
    finally:
        docker_host.run("docker", "rm", "--force", "linked")
        docker_host.run("docker", "rmi", "linked")
        docker_host.run("rm", "-rf", base, "/var/tmp/root.tar")
