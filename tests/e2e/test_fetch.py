"""Model files that a host fetches itself, from a stand-in for a model hub on this machine."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from planner.apply import transfer
from planner.apply.events import Event, OperationProgress
from planner.apply.locked import locked
from planner.apply.run import HostRun, RunOptions
from planner.apply.steps import Layout
from planner.diff.places import part_of, place_of
from planner.diff.values import FetchArtifact
from planner.errors import Interrupted, PlannerError
from planner.remote.address import HostAddress
from planner.remote.connect import connect
from planner.render.bundle import Artifact, ArtifactKind
from tests.farm.control import Farm, Host
from tests.farm.layout import GATEWAY

pytestmark = pytest.mark.farm

BRIDGE = GATEWAY
WEIGHTS = bytes(range(256)) * 20_000
LAYOUT = Layout("fetching")
HOME = LAYOUT.home


@dataclass
class Hub:
    """Answers like a hub: one commit of one repository, ranges, redirects to where files lie."""

    port: int = 0
    hold: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    files: dict[str, bytes] = field(
        default_factory=lambda: {"config.json": b"{}", "deep/model.safetensors": WEIGHTS}
    )

    @property
    def address(self) -> str:
        return f"http://{BRIDGE}:{self.port}"


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append((self.path, self.headers["Range"]))
            found = re.fullmatch(r"/org/name/resolve/c0ffee/(.*)", self.path)
            if found and found[1] in hub.files:
                self.send_response(302)
                self.send_header("Location", f"/store/{found[1]}")
                self.end_headers()
            elif self.path.startswith("/store/"):
                self.give(hub.files[self.path.removeprefix("/store/")])
            else:
                self.send_error(404)

        def give(self, content: bytes) -> None:
            begin = int((self.headers["Range"] or "bytes=0-").split("=")[1].rstrip("-"))
            if begin >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            if begin:
                end = len(content) - 1
                self.send_header("Content-Range", f"bytes {begin}-{end}/{len(content)}")
            self.end_headers()
            self.wfile.write(content[begin : begin + 1])
            self.wfile.flush()
            hub.hold.wait()
            with suppress(OSError):
                self.wfile.write(content[begin + 1 :])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


@pytest.fixture
def hub(farm: Farm) -> Iterator[Hub]:
    """A hub that the farm's hosts reach over their bridge."""
    hub = Hub()
    hub.hold.set()
    with ThreadingHTTPServer((BRIDGE, 0), handler(hub)) as server:
        hub.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield hub
        hub.hold.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def run(farm: Farm, docker_host: Host, hub: Hub, events: list[Event]) -> Iterator[HostRun]:
    address = HostAddress(
        docker_host.address, "root", identity=str(farm.key), known_hosts=str(farm.known_hosts)
    )
    with closing(connect(address)) as transport:
        options = RunOptions("t", "me", hub=hub.address)
        run = HostRun(docker_host.name, transport, LAYOUT, options, events.append)
        with locked(run):
            yield run
    docker_host.run("rm", "-rf", HOME)


def step(**hashes: str) -> FetchArtifact:
    pairs = {"deep/model.safetensors": hashlib.sha256(WEIGHTS).hexdigest(), **hashes}
    artifact = Artifact(
        ArtifactKind.HUB_FILES,
        "org/name@c0ffee",
        "org/name",
        len(WEIGHTS) + 2,
        "c0ffee",
        ("config.json", "deep/model.safetensors"),
        tuple(pairs.items()),
    )
    return FetchArtifact(id="f", host="farm1", target="org/name", cause="", artifact=artifact)


def place(step: FetchArtifact) -> str:
    return f"{HOME}/artifacts/{place_of(step.artifact, LAYOUT.project)}"


def part(step: FetchArtifact) -> str:
    return f"{HOME}/artifacts/{part_of(step.artifact, LAYOUT.project)}"


def test_files_arrive_at_their_revision_and_are_checked(
    run: HostRun, docker_host: Host, events: list[Event]
) -> None:
    transfer.fetch(run, step())
    said = docker_host.run("sh", "-c", f"cd {place(step())} && sha256sum deep/*; ls -l").stdout
    assert hashlib.sha256(WEIGHTS).hexdigest() in said
    assert "-r--r--r--" in said
    done = [event.done_bytes for event in events if isinstance(event, OperationProgress)]
    assert done[-1] == len(WEIGHTS) + 2


def test_a_fetch_that_broke_goes_on_where_it_stopped(
    run: HostRun, docker_host: Host, hub: Hub
) -> None:
    docker_host.run("mkdir", "-p", f"{part(step())}/deep")
    name = f"{part(step())}/deep/model.safetensors.unfinished"
    docker_host.run("python3", "-c", f"open({name!r},'wb').write(bytes(range(256)) * 4000)")
    transfer.fetch(run, step())
    assert (f"/org/name/resolve/c0ffee/{step().artifact.files[1]}", "bytes=1024000-") in hub.asked
    assert docker_host.run("ls", f"{HOME}/artifacts/hub").stdout == "org--name@c0ffee\n"


def test_a_file_that_was_complete_before_the_host_died_is_no_failure(
    run: HostRun, docker_host: Host
) -> None:
    docker_host.run("mkdir", "-p", f"{part(step())}/deep")
    name = f"{part(step())}/deep/model.safetensors.unfinished"
    docker_host.run("python3", "-c", f"open({name!r},'wb').write(bytes(range(256)) * 20_000)")
    transfer.fetch(run, step())
    assert docker_host.run("ls", f"{HOME}/artifacts/hub").stdout == "org--name@c0ffee\n"


def test_wrong_bytes_are_refused(run: HostRun, docker_host: Host) -> None:
    with pytest.raises(PlannerError) as caught:
        transfer.fetch(run, step(**{"config.json": "0" * 64}))
    assert "SHA-256 of config.json is" in (caught.value.cause or "")
    assert docker_host.run("ls", f"{HOME}/artifacts/hub").stdout == "org--name@c0ffee.part\n"


def test_a_file_the_hub_does_not_have_is_named(run: HostRun, hub: Hub) -> None:
    del hub.files["config.json"]
    with pytest.raises(PlannerError) as caught:
        transfer.fetch(run, step())
    assert f"config.json could not be fetched from {hub.address}/org/name at c0ffee" in (
        caught.value.cause or ""
    )


def test_a_fetch_ends_when_its_connection_does(
    run: HostRun, farm: Farm, docker_host: Host, hub: Hub, events: list[Event]
) -> None:
    hub.hold.clear()

    def give_up() -> bool:
        return bool(events)

    stopping = replace(run, stopped=give_up)
    with pytest.raises(Interrupted):
        transfer.fetch(stopping, step())
    deadline = time.monotonic() + 10
    while docker_host.run("pgrep", "-x", "curl", check=False).stdout:
        assert time.monotonic() < deadline
    hub.hold.set()
    transfer.fetch(run, step())
