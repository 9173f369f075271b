"""The farm itself: are its hosts what the other end-to-end tests take them for?"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.farm import claim, clearing, commands, ssh
from tests.farm.commands import FarmError
from tests.farm.control import Farm, Host
from tests.farm.layout import PROJECT_ROOT, Layout

COMMAND = PROJECT_ROOT / "tests" / "farm" / "farm"
IMAGE = "llama:farm"
LISTEN = ("--host", "0.0.0.0", "--port", "8080")
OWNER = """
import os
from tests.farm.control import Farm
Farm().up(1, owner=os.getpid(), wait_s=600)
print("up", flush=True)
input()
"""
GPU_PROJECT = """
services:
  model:
    image: llama:farm
    command: [sh, -c, "echo started"]
    deploy:
      resources:
        reservations:
          devices: [{driver: nvidia, count: 2, capabilities: [gpu]}]
"""


def eventually(condition: Callable[[], object], what: str, within: float = 30) -> None:
    """Wait until `condition` holds; fail, saying what did not come, after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(0.05)


def ask(host: Host, port: int) -> str | None:
    """A model server's answer to a question; None while it does not answer."""
    question = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 8}
    request = urllib.request.Request(
        f"http://{host.address}:{port}/v1/chat/completions",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            text: str = json.load(answer)["choices"][0]["message"]["content"]
            return text
    except (OSError, urllib.error.URLError):
        return None


@pytest.fixture(scope="module")
def with_image(docker_host: Host, llama_archive: Path) -> Host:
    """The Docker host with an image made from the archive."""
    docker_host.import_image(llama_archive, IMAGE)
    return docker_host


@pytest.mark.farm
def test_hosts_are_machines_of_their_own(farm: Farm) -> None:
    assert [host.run("hostname").stdout.strip() for host in farm.hosts] == [
        "farm1",
        "farm2",
        "farm3",
    ]
    for host in farm.hosts:
        assert host.run("cat", "/proc/1/comm").stdout.strip() == "systemd"
        assert host.run("systemctl", "is-system-running").stdout.strip() == "running"
    machine_ids = {host.run("cat", "/etc/machine-id").stdout for host in farm.hosts}
    assert len(machine_ids) == len(farm.hosts)


@pytest.mark.farm
def test_a_unit_stopped_on_one_host_runs_on_on_another(farm: Farm) -> None:
    first, second = farm.host("farm1"), farm.host("farm2")
    for host in (first, second):
        host.run("systemd-run", "--quiet", "--unit=lonely", "sleep", "infinity")
    first.run("systemctl", "stop", "lonely")
    assert second.run("systemctl", "is-active", "lonely").stdout.strip() == "active"
    second.run("systemctl", "stop", "lonely")


@pytest.mark.farm
def test_an_administrator_is_not_root(docker_host: Host) -> None:
    assert docker_host.run("id", "-un", user="ops").stdout.strip() == "ops"
    assert docker_host.run("sudo", "-n", "id", "-un", user="ops").stdout.strip() == "root"
    docker_host.run("docker", "ps", user="ops")


@pytest.mark.farm
def test_a_container_serves_the_tiny_model(with_image: Host, tiny_model: Path) -> None:
    shutil.copy(tiny_model, with_image.root / "srv/tiny.gguf")
    server = ("llama-server", "--model", "/models/tiny.gguf", *LISTEN)
    with_image.run(
        *("docker", "run", "--detach", "--name=served", "--publish=8080:8080"),
        *("--memory=200m", "--volume=/srv:/models:ro", IMAGE, *server),
    )
    try:
        eventually(lambda: ask(with_image, 8080), "an answer from the container")
        limit = with_image.run("docker", "stats", "--no-stream", "--format={{.MemUsage}}", "served")
        assert limit.stdout.strip().endswith("/ 200MiB")
    finally:
        with_image.run("docker", "rm", "--force", "served")


@pytest.mark.farm
def test_a_unit_in_the_root_folder_serves_the_tiny_model(
    systemd_host: Host, llama_archive: Path, tiny_model: Path
) -> None:
    root = systemd_host.root / "srv/llama"
    root.mkdir()
    commands.run(["tar", "--extract", "--file", llama_archive, "--directory", root])
    shutil.copy(tiny_model, root / "tiny.gguf")
    settings = ("RootDirectory=/srv/llama", "DynamicUser=yes", "ProtectSystem=strict")
    systemd_host.run(
        *("systemd-run", "--quiet", "--unit=served", *(f"--property={one}" for one in settings)),
        *("/usr/bin/llama-server", "--model", "/tiny.gguf", *LISTEN),
    )
    try:
        eventually(lambda: ask(systemd_host, 8080), "an answer from the unit")
    finally:
        systemd_host.run("systemctl", "stop", "served")


@pytest.mark.farm
def test_a_systemd_only_host_has_no_container_engine(systemd_host: Host) -> None:
    assert not systemd_host.has_docker
    for program in ("docker", "dockerd", "containerd", "runc"):
        assert systemd_host.run("which", program, check=False).returncode == 1


@pytest.mark.farm
def test_a_reservation_starts_only_where_cards_are_pretended(with_image: Host) -> None:
    compose = ("docker", "compose", "--file=-", "--project-name=cards")
    without = with_image.run(*compose, "up", text_input=GPU_PROJECT, check=False)
    assert without.returncode != 0
    assert "nvidia" in without.stderr
    with_image.gpu("NVIDIA GeForce RTX 4090", 24564, count=2)
    try:
        done = with_image.run(*compose, "up", text_input=GPU_PROJECT)
        assert "started" in done.stdout
        listed = with_image.run(
            "nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader"
        )
        assert listed.stdout.splitlines() == [
            "0, NVIDIA GeForce RTX 4090, 24564 MiB",
            "1, NVIDIA GeForce RTX 4090, 24564 MiB",
        ]
        unknown = with_image.run("nvidia-smi", "--query-gpu=nonsense", "--format=csv", check=False)
        assert unknown.returncode == 2
    finally:
        with_image.run(*compose, "down", text_input=GPU_PROJECT)
        with_image.gpu("", 0, count=0)
    assert with_image.run("which", "nvidia-smi", check=False).returncode == 1


@pytest.mark.farm
def test_new_host_keys_are_refused_by_who_knows_the_old(farm: Farm) -> None:
    host = farm.host("farm2")
    host.change_host_keys(tell=False)
    refused = host.run("true", check=False)
    assert refused.returncode == 255
    assert "HOST IDENTIFICATION HAS CHANGED" in refused.stderr
    host.change_host_keys()
    host.run("true")


@pytest.mark.farm
def test_a_cut_host_is_silent_until_mended(farm: Farm) -> None:
    host = farm.host("farm2")
    host.cut()
    assert not ssh.answers(host.name)
    host.mend()
    eventually(lambda: ssh.answers(host.name), "a greeting after mending")
    assert host.is_running


@pytest.mark.farm
def test_a_killed_host_comes_back_with_its_disk(farm: Farm) -> None:
    host = farm.host("farm2")
    booted = ("systemctl", "show", "--property=UserspaceTimestampMonotonic")
    before = host.run(*booted).stdout
    host.run("touch", "/root/kept")
    host.kill()
    assert not host.is_running
    assert not ssh.answers(host.name)
    host.boot()
    assert host.run(*booted).stdout != before
    host.run("test", "-e", "/root/kept")


@pytest.mark.farm
def test_a_reset_host_is_a_new_machine(farm: Farm) -> None:
    host = farm.host("farm2")
    host.run("touch", "/root/forgotten")
    keys = farm.known_hosts.read_text()
    host.reset()
    assert host.run("test", "-e", "/root/forgotten", check=False).returncode == 1
    assert farm.known_hosts.read_text() != keys


@pytest.mark.farm
def test_nothing_is_left_when_the_owner_is_killed(no_farm: None) -> None:
    _kill_owner()
    os.close(claim.lock(wait_s=60))  # the reaper holds it until it has cleared the farm
    assert clearing.traces(Layout.from_environment()) == []


@pytest.mark.farm
def test_what_a_killed_reaper_left_is_cleared_by_the_next_farm(no_farm: None) -> None:
    def kill_reaper() -> None:
        found = claim.current()
        assert found is not None
        assert found.reaper is not None
        found.reaper.signal(signal.SIGKILL)
        eventually(lambda: not found.reaper or not found.reaper.alive(), "the reaper's end")

    _kill_owner(before=kill_reaper)
    farm = Farm()
    left = clearing.traces(farm.layout)
    assert "disk of farm1" in left
    assert "control group of farm1" in left
    farm.up(1, owner=os.getpid(), wait_s=60)
    assert farm.host("farm1").run("true").returncode == 0
    assert farm.down() == ["farm1"]
    assert clearing.traces(farm.layout) == []
    assert farm.down() == []


@pytest.mark.farm
def test_a_farm_in_use_is_not_taken_away(farm: Farm) -> None:
    # A process of its own session leader chain: the command must not descend from the owner.
    foreign = ["setsid", "--fork", "--wait", str(COMMAND), "up", "1"]
    done = subprocess.run(foreign, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"in use by process {os.getpid()}" in done.stderr
    assert all(host.is_running for host in farm.hosts)


def test_a_machine_that_cannot_run_a_farm_says_all_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda tool, path: None if tool == "debootstrap" else tool)
    with pytest.raises(FarmError) as caught:
        commands.require_machine()
    assert "run it with sudo" in str(caught.value)
    assert "apt-get install --yes --no-install-recommends debootstrap" in str(caught.value)


def _kill_owner(before: Callable[[], None] = lambda: None) -> None:
    """Start a process that owns a farm of one host, and kill it when the host is up."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        before()
        owner.kill()
