"""Blueprints applied to real hosts: what changes, what stays, what is left behind."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from planner import deployment
from planner.apply.events import Event, HostFinished, OperationProgress, OperationStarted
from planner.apply.result import ApplyResult
from planner.diff.values import Plan
from planner.errors import ApplyFailedServing, HostLocked
from tests.farm.control import Farm, Host

pytestmark = pytest.mark.farm

# Everything planner could leave on a host, and everything of others that it must leave there.
TRACES = """
find /var/lib/planner /etc/systemd/system /var/lib/private /run/systemd/transient | sort
docker ps --all --quiet; docker images --quiet; docker network ls --format '{{.Name}}'
docker volume ls --quiet; getent passwd; systemctl list-units --all --no-legend 'planner*'
ss -Hltn | awk '{print $4}' | sort
"""


@dataclass
class Deployment:
    """A blueprint over real hosts: ``left`` runs containers, ``right`` units."""

    path: Path
    hosts: dict[str, Host]
    archive: Path
    model: Path
    key: Path

    def write(
        self,
        *,
        chat: str = "2k",
        code: str = "1k",
        hosts: tuple[str, ...] = (),
        free: tuple[str, ...] = (),
    ) -> None:
        """Two models on each host; or, with names of models more as ``free``, none tied to one."""
        names = hosts or tuple(self.hosts)
        models = {name: self.model_of(chat) for name in free}
        for host in names:
            for name, context in (("chat", chat), ("code", code)):
                pin = {} if free else {"on": host}
                models[f"{name}-{host}"] = {**self.model_of(context), **pin}
        document = {
            "planner": 1,
            "project": "changes",
            "hosts": {
                name: {
                    "address": f"root@{self.hosts[name].address}",
                    "identity": str(self.key),
                    "ram": "4GiB",
                    "disk": "20GB",
                    "runtime": "compose" if name == "left" else "systemd",
                }
                for name in names
            },
            "models": models,
        }
        self.path.write_text(json.dumps(document))  # JSON is YAML

    def model_of(self, context: str) -> dict[str, object]:
        return {
            "source": str(self.model),
            "engine": "llama.cpp",
            "image": {"archive": str(self.archive)},
            "context": context,
            "parallel": 1,
        }

    def plan(self) -> Plan:
        with deployment.planning(self.path) as planned:
            return planned.plan

    def apply(self, on_event: Callable[[Event], None] = lambda _: None) -> ApplyResult:
        with deployment.planning(self.path) as planned:
            deployment.stop_for(planned)
            return deployment.carry_out(planned, on_event, "apply")

    def destroy(self) -> ApplyResult:
        with deployment.clearing(self.path) as planned:
            return deployment.carry_out(planned, lambda _: None, "destroy")

    def running(self) -> dict[str, str]:
        """Container id and process id, or process id, of every workload."""
        return {
            **_pairs(
                self.hosts["left"]
                .run(
                    "docker",
                    "ps",
                    "--format",
                    '{{.Label "io.planner.workload"}} {{.ID}}',
                    "--filter",
                    "label=io.planner.project=changes",
                )
                .stdout
            ),
            **{
                name: self.hosts["right"]
                .run("systemctl", "show", "--value", "-p", "MainPID", f"planner-changes-{name}")
                .stdout.strip()
                for name in ("chat-right-0", "code-right-0")
            },
        }


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in text.splitlines())


@pytest.fixture
def farm_of_two(
    farm: Farm,
    docker_host: Host,
    systemd_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deployment]:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    hosts = {"left": docker_host, "right": systemd_host}
    made = Deployment(tmp_path / "farm.yaml", hosts, llama_archive, tiny_model, farm.key)
    made.write()
    yield made
    for host in hosts.values():
        host.mend()
    assert made.destroy().exit_code == 0


def traces(host: Host) -> str:
    return host.run("sh", "-c", TRACES, check=False).stdout


def answer(host: Host, url: str) -> str:
    """What a model says, asked on its own host."""
    question = json.dumps({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4})
    script = (
        "import sys, urllib.request as u; print(u.urlopen(u.Request(sys.argv[1], "
        "sys.argv[2].encode(), {'Content-Type': 'application/json'})).read().decode())"
    )
    return host.run("python3", "-c", script, f"{url}/v1/chat/completions", question).stdout


def test_a_blueprint_becomes_answering_models_and_leaves_nothing_behind(
    farm_of_two: Deployment,
) -> None:
    before = {name: traces(host) for name, host in farm_of_two.hosts.items()}
    result = farm_of_two.apply()
    assert result.errors == ()
    with deployment.planning(farm_of_two.path) as planned:
        assert planned.plan.empty
        assert set(planned.plan.reasons) == {"left", "right"}
        for replica in planned.replicas:
            host = farm_of_two.hosts[replica.host.name]
            said = json.loads(answer(host, f"http://{replica.bind}:{replica.port}"))
            assert said["choices"][0]["message"]
    assert farm_of_two.destroy().errors == ()
    assert {name: traces(host) for name, host in farm_of_two.hosts.items()} == before


def test_an_added_model_moves_nothing_that_runs(farm_of_two: Deployment) -> None:
    farm_of_two.apply()
    before = farm_of_two.running()
    # nothing ties a model to its host any more, and the new one is written before all others
    farm_of_two.write(free=("aaa",))
    assert farm_of_two.apply().errors == ()
    after = farm_of_two.running()
    assert {name: after[name] for name in before} == before
    with deployment.planning(farm_of_two.path) as planned:
        assert planned.plan.empty
        assert len(planned.replicas) == len(before) + 1


def test_a_changed_context_replaces_that_model_only(farm_of_two: Deployment) -> None:
    farm_of_two.apply()
    before = farm_of_two.running()
    farm_of_two.write(chat="1k")
    assert farm_of_two.apply().errors == ()
    after = farm_of_two.running()
    assert set(after) == set(before)
    changed = {name for name, identity in after.items() if before[name] != identity}
    assert changed == {"chat-left-0", "chat-right-0"}
    assert farm_of_two.plan().empty


def test_drift_is_found_and_mended_without_touching_what_is_right(
    farm_of_two: Deployment,
) -> None:
    farm_of_two.apply()
    before = farm_of_two.running()
    left, right = farm_of_two.hosts["left"], farm_of_two.hosts["right"]
    current = "/var/lib/planner/changes/current"
    left.run("sh", "-c", f"echo '# by hand' >>{current}/compose.yaml")
    left.run("docker", "rm", "--force", before["code-left-0"])
    right.run("rm", "/etc/systemd/system/planner-changes-chat-right-0.service")
    right.run("systemctl", "kill", "--signal=STOP", "planner-changes-chat-right-0")
    right.run("systemctl", "kill", "--signal=CONT", "planner-changes-chat-right-0")
    right.run("systemctl", "stop", "planner-changes-code-right-0")
    causes = {(step.host, step.kind): step.cause for step in farm_of_two.plan().operations}
    assert causes["left", "write"] == "file compose.yaml was changed on the host"
    assert causes["left", "start"] == "not on the host yet"
    assert "link to planner-changes-chat-right-0.service" in causes["right", "activate"]
    assert causes["right", "start"].startswith("not running")
    assert farm_of_two.apply().errors == ()
    after = farm_of_two.running()
    assert after["chat-left-0"] == before["chat-left-0"]
    assert after["chat-right-0"] == before["chat-right-0"]
    assert farm_of_two.plan().empty


def test_both_hosts_are_worked_on_at_the_same_time(farm_of_two: Deployment) -> None:
    both = threading.Event()
    begun: set[str] = set()
    waited: list[bool] = []

    def meet(event: Event) -> None:
        # events come one at a time, from the thread of their host: nothing may wait in here
        if isinstance(event, OperationStarted):
            begun.add(event.operation.host)
        if len(begun) == 2:
            both.set()
        if isinstance(event, HostFinished):
            waited.append(both.is_set())

    assert farm_of_two.apply(meet).errors == ()
    assert waited == [True, True]


def test_a_host_that_dies_meanwhile_fails_alone_and_is_finished_later(
    farm_of_two: Deployment,
) -> None:
    farm_of_two.hosts["right"].cut()
    result = farm_of_two.apply()
    assert result.exit_code == 4
    assert result.hosts["left"].ok
    assert result.hosts["right"].errors[0].where
    farm_of_two.hosts["right"].mend()
    again = farm_of_two.plan()
    assert set(again.reasons) == {"left"}
    assert farm_of_two.apply().errors == ()


def test_a_transfer_cut_in_the_middle_goes_on(farm_of_two: Deployment) -> None:
    right = farm_of_two.hosts["right"]
    farm_of_two.write(hosts=("right",))
    cut: list[int] = []

    def cut_once(event: Event) -> None:
        half = isinstance(event, OperationProgress) and (event.done_bytes or 0) > 20_000_000
        if half and not cut:
            cut.append(1)
            # every connection with the host breaks, this one too
            right.run("pkill", "-KILL", "-f", "sshd: root@notty", check=False)

    result = farm_of_two.apply(cut_once)
    assert cut
    assert result.exit_code == 4
    assert "push" in result.errors[0].summary
    begun: list[int] = []

    def note(event: Event) -> None:
        if isinstance(event, OperationProgress) and event.done_bytes is not None:
            begun.append(event.done_bytes)

    assert farm_of_two.apply(note).errors == ()
    assert begun[0] > 0


def test_a_model_that_cannot_start_is_told_with_its_last_words(
    farm_of_two: Deployment, tmp_path: Path
) -> None:
    farm_of_two.apply()
    before = farm_of_two.running()
    broken = tmp_path / "broken.gguf"
    content = bytearray(farm_of_two.model.read_bytes())
    content[-len(content) // 2 :] = b""
    broken.write_bytes(bytes(content))
    text = json.loads(farm_of_two.path.read_text())
    for name in ("chat-left", "chat-right"):
        text["models"][name]["source"] = str(broken)
    farm_of_two.path.write_text(json.dumps(text))
    result = farm_of_two.apply()
    assert result.exit_code == 8
    for host in ("left", "right"):
        (error,) = result.hosts[host].errors
        assert isinstance(error, ApplyFailedServing)
        assert "verify" in error.summary
        assert "back on release" in error.summary
        assert "the end of its log" in (error.cause or "")
    after = farm_of_two.running()
    assert after["code-left-0"] == before["code-left-0"]
    assert after["code-right-0"] == before["code-right-0"]
    farm_of_two.write()
    assert farm_of_two.plan().empty


def test_of_two_runs_at_once_the_second_is_told_who_is_at_work(farm_of_two: Deployment) -> None:
    inside: list[ApplyResult] = []

    def second(event: Event) -> None:
        if isinstance(event, OperationStarted) and not inside:
            inside.append(ApplyResult())
            inside[0] = farm_of_two.apply()

    farm_of_two.write(hosts=("right",))
    assert farm_of_two.apply(second).errors == ()
    (error,) = inside[0].errors
    assert isinstance(error, HostLocked)
    assert "planner apply" in (error.cause or "")


def test_the_real_ports_answer_only_where_they_should(farm_of_two: Deployment) -> None:
    farm_of_two.apply()
    with deployment.planning(farm_of_two.path) as planned:
        for replica in planned.replicas:
            address = farm_of_two.hosts[replica.host.name].address
            with pytest.raises(OSError, match=r"refused|timed out"):
                urllib.request.urlopen(f"http://{address}:{replica.port}/health", timeout=3)
