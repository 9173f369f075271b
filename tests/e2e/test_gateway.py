"""The gateway on real hosts: LiteLLM before two engines on two hosts, asked by the names of roles.

One host carries the gateway, one an engine in a container, one an engine in a unit.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from planner import deployment
from planner.apply.result import ApplyResult
from planner.blueprint.schema import Task
from planner.engines import caddy
from planner.secret import SecretValue
from tests.e2e.test_farm import eventually
from tests.farm import gateway as images
from tests.farm.control import Farm, Host
from tests.farm.layout import BRIDGE
from tests.farm.layout import GATEWAY as GATEWAY_ADDRESS
from tests.helpers.gateway_client import Answer, Client
from tests.helpers.outside import outside
from tests.helpers.tiny_gguf import write_tiny_gguf
from tests.helpers.tiny_lora import write_tiny_lora

pytestmark = pytest.mark.farm

ROOT = Path(__file__).parents[2]
PORT = 4000
GUARD = "var/lib/planner/roles/current/guard/caddy.json"
AUTHORITY = "/var/lib/docker/volumes/planner-roles_front/_data/caddy/pki/authorities/local/root.crt"
NOTICE = "an alternative view, not accepted medicine"
NAMES = ("calm", "loud")


class Stage:
    """The blueprint, its hosts, and what is changed in it while it runs."""

    def __init__(self, path: Path, farm: Farm, document: dict[str, Any]) -> None:
        self.path, self.farm, self.document = path, farm, document
        self.front, self.left, self.right = (
            farm.host("farm1"),
            farm.host("farm2"),
            farm.host("farm3"),
        )
        self.write()

    def write(self) -> None:
        self.path.write_text(json.dumps(self.document))  # JSON is YAML

    def apply(self) -> ApplyResult:
        with deployment.planning(self.path) as planned:
            deployment.stop_for(planned)
            values = deployment.secrets_for(planned, _no_questions)
            result = deployment.carry_out(planned, lambda _: None, "apply", values)
        assert not result.errors, [f"{item.summary}: {item.cause}" for item in result.errors]
        return result

    def client(self, name: str) -> Client:
        key = (self.path.parent / f".planner/secrets/roles/client-{name}").read_text()
        authority = self.front.run(
            "cat",
            "/var/lib/docker/volumes/planner-roles_front/_data/caddy/pki/authorities/local/root.crt",
        ).stdout
        return Client(f"https://{self.front.address}:{PORT}", key, authority)

    def engine_pids(self) -> tuple[str, str]:
        inside = self.left.run(
            "docker", "inspect", "--format", "{{.State.Pid}}", "planner-roles-chat-0-1"
        ).stdout
        unit = "planner-roles-chat-1.service"
        bare = self.right.run("systemctl", "show", unit, "--property=MainPID", "--value").stdout
        return inside.strip(), bare.strip()


def _no_questions(name: str) -> SecretValue:
    raise AssertionError(f"{name} was asked for")


def document(farm: Farm, llama: Path, model: Path, order: Path) -> dict[str, Any]:
    names = {"front": "farm1", "left": "farm2", "right": "farm3"}
    runtimes = {"right": "systemd"}
    return {
        "planner": 1,
        "project": "roles",
        "hosts": {
            name: {
                "address": f"root@{farm.host(host).address}",
                "identity": str(farm.key),
                "ram": "8GiB",
                "disk": "100GB",
                "runtime": runtimes.get(name, "compose"),
            }
            for name, host in names.items()
        },
        "models": {
            "chat": {
                "source": str(model),
                "engine": "llama.cpp",
                "image": {"archive": str(llama)},
                "context": "1k",
                "parallel": 1,
                "replicas": 2,
                "adapters": list(NAMES),
                "on": ["left", "right"],
                "price": {"input": "500 EUR/Mtok", "output": "1500 EUR/Mtok"},
            },
            "spare": {
                "source": str(model),
                "engine": "llama.cpp",
                "image": {"archive": str(llama)},
                "context": "1k",
                "parallel": 1,
                "on": "front",
            },
            "order": {
                "source": str(order),
                "task": "rerank",
                "engine": "llama.cpp",
                "image": {"archive": str(llama)},
                "context": "1k",
                "parallel": 1,
                "on": "left",
            },
        },
        "adapters": {
            name: {"base": str(model), "source": f"./{name}.gguf", "rank": 4} for name in NAMES
        },
        "roles": {
            "monk": {"model": "chat", "adapter": "calm", "sampling": {"temperature": 0}},
            "herald": {
                "model": "chat",
                "adapter": "loud",
                "notice": NOTICE,
                "sampling": {"temperature": 0},
            },
            "oracle": {"model": "chat", "fallback": "stand-in"},
            "stand-in": {"model": "spare", "notice": "the stand-in speaks"},
            "judge": {"model": "order"},
        },
        "gateway": {
            "on": "front",
            "expose": "lan",
            "image": {"archive": str(images.ensure_litellm(farm.layout))},
            "caddy": {"image": {"archive": str(images.ensure_caddy(farm.layout))}},
            "clients": {
                "alice": {},
                "bob": {"models": ["chat"], "monthly_tokens": 100},
                "carol": {"models": ["chat"], "monthly_cost": "0.05 EUR"},
                "dave": {"roles": ["judge"], "monthly_tokens": 60},
            },
        },
    }


@pytest.fixture(scope="module")
def stage(
    farm: Farm, llama_archive: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("gateway")
    for seed, name in enumerate(NAMES):
        write_tiny_lora(folder / f"{name}.gguf", seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
        order = write_tiny_gguf(folder / "order.gguf", ranks=True)
        wanted = document(farm, llama_archive, tiny_model, order)
        found = Stage(folder / "roles.yaml", farm, wanted)
        found.apply()
        yield found
        with deployment.clearing(found.path) as planned:
            cleared = deployment.carry_out(planned, lambda _: None, "destroy")
    assert cleared.errors == ()


def said(answer: Answer) -> str:
    assert answer.status == 200, answer.text
    return answer.content


def test_roles_answer_by_their_names(stage: Stage) -> None:
    alice = stage.client("alice")
    base, monk, herald = (
        said(alice.ask(name, temperature=0)) for name in ("chat", "monk", "herald")
    )
    assert len({base, monk, herald.removeprefix(f"{NOTICE}\n\n")}) == 3, (base, monk, herald)
    assert herald.startswith(f"{NOTICE}\n\n")
    assert NOTICE not in base + monk
    whole = said(alice.ask("herald"))
    assert whole == herald
    streamed = alice.stream("herald")
    assert "".join(streamed) == herald
    assert len(streamed) > 2  # in pieces, as they come
    with deployment.planning(stage.path) as planned:
        assert planned.plan.empty, planned.plan.operations


def test_the_commands_of_the_readme(stage: Stage) -> None:
    """The certificate is fetched and the question asked as the README says, with names of here."""
    section = (ROOT / "README.md").read_text().split("## Roles, keys and the gateway")[1]
    ask, fetch = re.findall(r"```bash\n(.*?)```", section.split("\n## ")[0], re.DOTALL)
    login = f"ssh -i {stage.farm.key} -o UserKnownHostsFile={stage.farm.known_hosts} ops"
    here = {
        "ssh me": login, "192.168.1.10": stage.front.address, "PROJECT": "roles",
        "client-phone": "client-alice", "philosopher": "monk",
    }  # fmt: skip
    script = f"set -e\n{fetch}\n{ask}"
    for written, name in here.items():
        assert written in script, written
        script = script.replace(written, name)
    done = subprocess.run(
        ["bash", "-c", script], cwd=stage.path.parent, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["choices"][0]["message"]["content"]


def test_both_replicas_answer(stage: Stage) -> None:
    alice = stage.client("alice")
    replicas = {alice.ask("monk").replica for _ in range(20)}
    assert replicas == {"monk/chat-0", "monk/chat-1"}


def test_a_client_is_held_to_its_names_and_tokens(stage: Stage) -> None:
    bob = stage.client("bob")
    assert bob.names() == ["chat"]
    assert bob.ask("monk").status == 403
    statuses = [bob.ask("chat").status for _ in range(8)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert stage.client("alice").ask("chat").status == 200
    nobody = Client(bob.url, "sk-nobody", bob.authority)
    assert nobody.ask("chat").status == 401
    assert Client(bob.url, "", bob.authority).ask("chat").status == 401


def test_a_client_is_held_to_its_money(stage: Stage) -> None:
    carol = stage.client("carol")
    answers = [carol.ask("chat")]
    usage = json.loads(answers[0].text)["usage"]
    read, written = usage["prompt_tokens"], usage["completion_tokens"]
    cost = Decimal(read * 500 + written * 1500).scaleb(-6)
    eventually(lambda: spent(stage, "carol") == [("EUR", cost)], f"{cost} EUR in its account", 30)
    while answers[-1].status == 200 and len(answers) < 60:
        answers.append(carol.ask("chat"))
    assert answers[-1].status == 429, answers[-1]
    assert "carol has spent its 0.05 EUR of this month" in answers[-1].text
    assert spent(stage, "carol")[0][1] >= Decimal("0.05")


def test_documents_are_put_in_order_by_a_role(stage: Stage) -> None:
    dave = stage.client("dave")
    body = {"model": "judge", "query": "the farm", "documents": ["night", "a cold day", "memory"]}
    answer = dave.post("/v1/rerank", body)
    assert answer.status == 200, answer.text
    rows = json.loads(answer.text)["results"]
    assert sorted(row["index"] for row in rows) == [0, 1, 2]
    scores = [row["relevance_score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3
    # what it reads counts
    eventually(lambda: dave.post("/v1/rerank", body).status == 429, "an end of its tokens", 60)


def spent(stage: Stage, client: str) -> list[tuple[str, Decimal]]:
    """What the gateway has counted for a client, by currency."""
    ask = (
        "import json, sqlite3, sys; base = sqlite3.connect(sys.argv[1]); print(json.dumps(list("
        "base.execute('SELECT currency, amount FROM spending WHERE client = ?', sys.argv[2:]))))"
    )
    file = "/var/lib/docker/volumes/planner-roles_gateway/_data/usage.sqlite"
    rows = json.loads(stage.front.run("python3", "-c", ask, file, client).stdout)
    return [(currency, Decimal(amount)) for currency, amount in rows]


class Load:
    """Clients that ask all the time, and what they got: start, seconds, status, replica."""

    def __init__(self, client: Client, clients: int = 4) -> None:
        self.client = client
        self.rows: list[tuple[float, float, int, str]] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(at,)) for at in range(clients)]

    def _ask(self, at: int) -> None:
        while not self._over.is_set():
            begun = time.monotonic()
            try:
                answer = self.client.ask(("monk", "herald", "chat")[at % 3], timeout=120)
                status, replica = answer.status, answer.replica or ""
            except OSError:
                status, replica = 0, ""
            self.rows.append((begun, time.monotonic() - begun, status, replica))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def served_by(self, replica: str, since: float) -> bool:
        """Whether the replica has answered something that was asked after ``since``."""
        return any(row[0] >= since and row[3].endswith(replica) for row in list(self.rows))


@pytest.mark.parametrize(("name", "replica"), [("left", "chat-0"), ("right", "chat-1")])
def test_a_dead_host_costs_no_request_and_serves_again(
    stage: Stage, name: str, replica: str
) -> None:
    host: Host = getattr(stage, name)
    other = "chat-1" if replica == "chat-0" else "chat-0"
    with Load(stage.client("alice")) as load:
        eventually(lambda: load.served_by(replica, 0), f"an answer of {replica}", 60)
        died = time.monotonic()
        host.kill()
        try:
            eventually(lambda: load.served_by(other, died + 8), f"answers of {other} alone", 60)
        finally:
            host.boot()  # the tests after this one need it
        back = time.monotonic()
        eventually(lambda: load.served_by(replica, back), f"an answer of {replica} again", 60)
    failed = [row for row in load.rows if row[2] != 200]
    under_way = [row for row in failed if row[0] < died < row[0] + row[1]]
    assert failed == under_way, failed
    longest = max(row[1] for row in load.rows)
    assert longest < 60, f"a request to a dead host hung for {longest:.0f} s"
    with deployment.planning(stage.path) as planned:
        assert planned.plan.empty, planned.plan.operations


ENGINE_PATHS = (
    "/", "/health", "/v1/models", "/models", "/props", "/slots", "/metrics", "/lora-adapters",
    "/completion", "/v1/chat/completions", "/v1/completions", "/tokenize", "/docs", "/openapi.json",
)  # fmt: skip


def test_only_what_is_declared_is_open(stage: Stage) -> None:
    with deployment.planning(stage.path) as planned:
        replicas = {placed.host.name: placed for placed in planned.replicas}
    config = json.loads((stage.right.root / GUARD).read_text())
    guard = int(config["apps"]["http"]["servers"]["guard"]["listen"][0].rpartition(":")[2])
    declared = {"front": [22, PORT], "left": [22, guard], "right": [22, guard]}
    with outside(BRIDGE, f"{GATEWAY_ADDRESS.rpartition('.')[0]}.250/24") as beside:
        for name, ports in declared.items():
            host: Host = getattr(stage, name)
            assert beside.open_ports(host.address) == ports
            assert beside.open_ports(link_local(host)) == [22]
        urls = [
            f"http://{getattr(stage, name).address}:{port}{prefix}{path}"
            for name, placed in replicas.items()
            if name != "front"
            for port, prefixes in ((guard, ("", f"/{placed.name}")), (placed.port, ("",)))
            for prefix in prefixes
            for path in ENGINE_PATHS
        ]
        answered = {url: status for url, status in beside.statuses(urls).items() if status}
    assert set(answered.values()) == {401}, answered
    assert len(answered) == 4 * len(ENGINE_PATHS)


def link_local(host: Host) -> str:
    """A host's IPv6 address on the bridge, as another machine writes it."""
    shown = host.run("ip", "-6", "-json", "address", "show", "dev", "eth0", "scope", "link").stdout
    return f"{json.loads(shown)[0]['addr_info'][0]['local']}%eth0"


def test_a_fallback_role_answers_as_itself(stage: Stage) -> None:
    """The model it falls back to runs beside the gateway and is asked without a guard."""
    alice = stage.client("alice")
    assert said(alice.ask("oracle")) != ""
    assert "stand-in" not in said(alice.ask("oracle"))
    stage.left.run("docker", "stop", "planner-roles-chat-0-1")
    stage.right.run("systemctl", "stop", "planner-roles-chat-1.service")
    try:
        answer = alice.ask("oracle")
        assert said(answer).startswith("the stand-in speaks\n\n")
        assert answer.replica == "stand-in/spare-0"
        assert alice.ask("monk").status >= 500
    finally:
        stage.left.run("docker", "start", "planner-roles-chat-0-1")
        stage.right.run("systemctl", "start", "planner-roles-chat-1.service")
    eventually(lambda: alice.ask("monk").status == 200, "an answer of the engines", 60)


def test_a_third_role_restarts_no_engine_and_costs_no_request(stage: Stage) -> None:
    before = stage.engine_pids()
    assert all(before)
    stage.document["roles"]["crier"] = {"model": "chat", "adapter": "loud", "notice": "hear, hear"}
    stage.write()
    with Load(stage.client("alice")) as load:
        stage.apply()
    assert [row for row in load.rows if row[2] != 200] == []
    assert stage.engine_pids() == before
    assert said(stage.client("alice").ask("crier")).startswith("hear, hear\n\n")
    assert NOTICE in said(stage.client("alice").ask("herald"))
    assert stage.client("bob").ask("chat").status == 429  # its tokens were not forgotten


@pytest.mark.parametrize(
    "config",
    [
        caddy.front(":8080", ":8081", "gateway:4000", (), private=True),
        caddy.front(":8080", ":8081", "gateway:4000", ("10.0.0.1", "a.home"), private=True),
        caddy.front(":8080", ":8081", "gateway:4000", ("a.example.org",), private=False),
        caddy.guard(
            ":8080", ":8081", "/k", (caddy.Guarded("a-0", Task.CHAT, "a-0:1", "/own"),), "/d"
        ),
        caddy.guard(
            "[fd00::1]:1",
            "127.0.0.1:2",
            "/k",
            (caddy.Guarded("a", Task.RERANK, "b:1", surge=True),),
            "/d",
        ),
    ],
    ids=["plain", "private", "public", "guard", "guard-of-a-unit"],
)
def test_caddy_takes_what_is_rendered(stage: Stage, config: str) -> None:
    shown = ("docker", "inspect", "--format", "{{.Config.Image}}", "planner-roles-front-1")
    image = stage.front.run(*shown).stdout.strip()
    once = ("docker", "run", "--rm", "--interactive", "--entrypoint", "/usr/bin/caddy", image)
    done = stage.front.run(*once, "validate", "--config", "/dev/stdin", text_input=config)
    assert "Valid configuration" in done.stdout + done.stderr


class Asking:
    """One client that asks a question all the time, and how often it was answered; ``failed`` is
    what went wrong."""

    def __init__(self, question: Callable[[], object]) -> None:
        self.answered = 0
        self.failed: list[str] = []
        self._question = question
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                self._question()
                self.answered += 1
            except (OSError, AssertionError, LookupError) as problem:
                self.failed.append(f"after {self.answered} answers: {problem!r}")

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def test_a_model_that_serves_alone_is_replaced_and_no_answer_breaks_off(stage: Stage) -> None:
    """One on the gateway's own host, one behind a guard; answers are streamed all the while."""
    alice = stage.client("alice")
    body = {"model": "judge", "query": "the farm", "documents": ["night", "day"]}
    replicas = set()

    def stream() -> None:
        assert alice.stream("spare", max_tokens=200)

    def ask() -> None:
        answer = alice.ask("spare")
        assert answer.status == 200, answer.text
        replicas.add(answer.replica)

    def order() -> None:
        answer = alice.post("/v1/rerank", body)
        assert answer.status == 200, answer.text

    for name in ("spare", "order"):
        stage.document["models"][name]["context"] = "2k"
    stage.write()
    with deployment.planning(stage.path) as planned:
        assert planned.plan.interruptions == ()
    with Asking(stream) as streamed, Asking(ask) as asked, Asking(order) as ordered:
        everybody = (streamed, asked, ordered)
        eventually(lambda: all(one.answered or one.failed for one in everybody), "answers", 60)
        stage.apply()
        before = [one.answered for one in everybody]
        eventually(
            lambda: all(
                one.answered > then or one.failed
                for one, then in zip(everybody, before, strict=True)
            ),
            "answers of the new ones",
            60,
        )
    assert [one.failed[:3] for one in everybody] == [[], [], []]
    assert replicas == {"spare/spare-0", "spare/spare-0-surge"}
    with deployment.planning(stage.path) as planned:
        assert planned.plan.empty, planned.plan.operations


def test_a_public_gateway_is_open_on_both_protocols(stage: Stage) -> None:
    """No authority answers on the farm, so there is no certificate; who listens is to be seen."""
    stage.document["gateway"] |= {"expose": "public", "domain": "ai.example.org"}
    stage.write()
    stage.apply()
    with outside(BRIDGE, f"{GATEWAY_ADDRESS.rpartition('.')[0]}.250/24") as beside:
        assert beside.open_ports(stage.front.address) == [22, 443]
        assert beside.open_ports(link_local(stage.front)) == [22, 443]
        answered = beside.statuses(
            [f"http://{stage.front.address}:443{path}" for path in ("/", "/ui")]
        )
    assert set(answered.values()) <= {0, 400}
    with deployment.planning(stage.path) as planned:
        assert planned.plan.empty, planned.plan.operations
