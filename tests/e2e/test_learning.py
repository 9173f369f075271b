"""A real llama-server's own figures: read after an apply, shown by status, used by size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from planner.cli.main import run
from planner.units import MIB
from tests.farm.control import Farm, Host

pytestmark = pytest.mark.farm

# two layers of two KV heads of 32 in 16 bit, keys and values
KV_BYTES_PER_TOKEN = 2 * 2 * 2 * 32 * 2
ASK = (
    "import sys, urllib.request as u; print(u.urlopen(u.Request(sys.argv[1], "
    "sys.argv[2].encode(), {'Content-Type': 'application/json'})).read().decode())"
)


@dataclass
class Learner:
    """A blueprint over two real hosts, and the command line."""

    path: Path
    farm: Farm
    archive: Path
    model: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, context: str) -> None:
        hosts = {"left": self.farm.host("farm1"), "right": self.farm.host("farm3")}
        document = {
            "planner": 1,
            "project": "learning",
            "hosts": {
                name: {
                    "address": f"root@{host.address}",
                    "identity": str(self.farm.key),
                    "ram": "4GiB",
                    "disk": "20GB",
                    "runtime": "compose" if name == "left" else "systemd",
                }
                for name, host in hosts.items()
            },
            "models": {
                f"on-{name}": {
                    "source": str(self.model),
                    "engine": "llama.cpp",
                    "image": {"archive": str(self.archive)},
                    "context": context,
                    "parallel": 1,
                    "on": name,
                }
                for name in hosts
            },
        }
        self.path.write_text(json.dumps(document))

    def do(self, verb: str, *words: str) -> str:
        self.capsys.readouterr()
        code = run([verb, str(self.path), *words])
        seen = self.capsys.readouterr()
        assert code == 0, seen.err
        return seen.out

    def terms(self) -> list[dict[str, Any]]:
        """What status says of the KV cache of each replica."""
        hosts = json.loads(self.do("status", "--format", "json"))["hosts"]
        shown = [w["memory"]["terms"] for host in hosts for w in host["workloads"] if w["memory"]]
        return [term for terms in shown for term in terms if term["name"] == "kv_cache"]

    def sized(self) -> list[dict[str, Any]]:
        replicas: list[dict[str, Any]] = json.loads(self.do("size", "--format", "json"))["replicas"]
        return replicas


@pytest.fixture
def learner(
    farm: Farm,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Learner]:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    made = Learner(tmp_path / "farm.yaml", farm, llama_archive, tiny_model, capsys)
    made.write("4k")
    yield made
    made.do("destroy", "--yes")


def test_the_next_sizing_knows_what_the_engine_took(learner: Learner) -> None:
    learner.do("apply", "--yes")
    record = json.loads((learner.path.parent / ".planner/learning.json").read_text())
    assert {item["host"] for item in record["measured"].values()} == {"left", "right"}

    rows = learner.terms()
    assert [(row["place"], row["real"]) for row in rows] == [("RAM", 4096 * KV_BYTES_PER_TOKEN)] * 2
    assert all(row["predicted"] == row["real"] for row in rows)

    for replica in learner.sized():
        terms = {term["name"]: term for term in replica["size"]["host"]["terms"]}
        for name in ("weights", "kv_cache", "activations"):
            assert terms[name]["why"].startswith("measured on ")
        assert not terms["runtime"]["why"].startswith("measured on ")
        assert terms["weights"]["bytes"] == pytest.approx(learner.model.stat().st_size, abs=MIB)
    assert "measured on right, " in learner.do("size")

    assert "Nothing to do" in learner.do("plan")  # what was learned changes no file
    learner.write("8k")
    assert learner.terms() == []
    assert [replica["measured"] for replica in learner.sized()] == [None, None]
    learner.do("apply", "--yes")
    assert [row["real"] for row in learner.terms()] == [8192 * KV_BYTES_PER_TOKEN] * 2


def test_a_server_logs_no_questions(learner: Learner) -> None:
    """It is told to say more than usual for its figures; that must not be what people ask."""
    learner.do("apply", "--yes")
    host: Host = learner.farm.host("farm1")
    workloads = json.loads(learner.do("status", "--format", "json"))["hosts"][0]["workloads"]
    question = json.dumps({"messages": [{"role": "user", "content": "zanzibar"}], "max_tokens": 4})
    url = f"{workloads[0]['url']}/v1/chat/completions"
    answered = host.run("python3", "-c", ASK, url, question)
    assert json.loads(answered.stdout)["choices"]
    log = host.run("sh", "-c", f"docker logs {workloads[0]['identity']} 2>&1").stdout
    assert "buffer size" in log
    assert "zanzibar" not in log
