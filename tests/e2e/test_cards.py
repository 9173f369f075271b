"""A replica on a card: its reservation starts on a host that pretends to have the card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.cli.main import run
from tests.farm.control import Farm, Host

pytestmark = pytest.mark.farm

BLUEPRINT = """\
planner: 1
project: cards
hosts:
  box: {{address: "root@{address}", gpus: [{gpus}], ram: 4GiB}}
models:
  tiny:
    source: {model}
    engine: llama.cpp
    image: {{archive: {archive}}}
    context: 1k
    parallel: 1
{more}"""
# the archive's server has no GPU support, and would be found out
NO_LAYERS = '    extra_args: ["--gpu-layers", "0"]\n'
NAME, MIB = "NVIDIA GeForce RTX 4090", 24564


@pytest.fixture
def write(
    farm: Farm,
    docker_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> object:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    monkeypatch.setenv("PLANNER_IDENTITY", str(farm.key))

    def make(gpus: str, more: str = NO_LAYERS) -> str:
        path = tmp_path / "cards.yaml"
        text = BLUEPRINT.format(
            address=docker_host.address,
            model=tiny_model,
            archive=llama_archive,
            gpus=gpus,
            more=more,
        )
        path.write_text(text)
        return str(path)

    return make


def test_the_reservation_starts_and_names_the_card(
    write: object, docker_host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(write)
    path = write("rtx-4090")
    docker_host.gpu(NAME, MIB)
    try:
        assert run(["apply", path, "--yes"]) == 0
        found = docker_host.run(
            "docker", "inspect", "--format", "{{json .HostConfig}}", "planner-cards-tiny-0-1"
        )
        [request] = json.loads(found.stdout)["DeviceRequests"]
        assert request["DeviceIDs"] == ["0"]
        assert ["gpu"] in request["Capabilities"]
        capsys.readouterr()
        assert run(["status", path]) == 0
        assert NAME in capsys.readouterr().out
        assert run(["plan", path, "--detailed-exitcode"]) == 0
    finally:
        assert run(["destroy", path, "--yes"]) == 0
        docker_host.gpu(NAME, MIB, 0)


def test_a_card_that_the_host_does_not_have_stops_the_apply(
    write: object, docker_host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(write)
    assert run(["apply", write("rtx-4090"), "--yes"]) == 3
    assert "0 of the 1 GPUs" in capsys.readouterr().err
    docker_host.gpu("NVIDIA GeForce RTX 3060", 12288)
    try:
        assert run(["apply", write("rtx-4090"), "--yes"]) == 3
        assert "12.0 GiB, not" in " ".join(capsys.readouterr().err.split())
    finally:
        docker_host.gpu(NAME, MIB, 0)
    left = docker_host.run("sh", "-c", "ls -A /var/lib/planner 2>/dev/null || true")
    assert left.stdout.strip() == ""


def test_a_server_that_leaves_the_card_alone_is_found_out(
    write: object, docker_host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    """The archive's server was built without GPU support: it takes the option and ignores it."""
    assert callable(write)
    path = write("rtx-4090", "")
    docker_host.gpu(NAME, MIB)
    try:
        assert run(["apply", path, "--yes"]) == 9
        said = " ".join(capsys.readouterr().err.split())
        assert "gpu_layers: models.tiny.gpu_layers asks for all, llama.cpp says 0" in said
        assert "write models.tiny.gpu_layers as the engine has it" in said
    finally:
        assert run(["destroy", path, "--yes"]) == 0
        docker_host.gpu(NAME, MIB, 0)
