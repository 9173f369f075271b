"""Data survives whatever happens to a blueprint; only its own name, typed out, deletes it.

Faults: a blueprint that was saved empty or cut off, a renamed model, a destroyed farm, a name with
a slip of the pen, data that something still uses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.cli.main import run
from tests.farm.control import Farm, Host

pytestmark = pytest.mark.farm


@pytest.fixture
def blueprint(
    farm: Farm,
    docker_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    monkeypatch.setenv("PLANNER_IDENTITY", str(farm.key))
    path = tmp_path / "kept.yaml"
    write(path, docker_host, chat=model(tiny_model, llama_archive))
    yield path
    run(["destroy", str(path), "--yes"])
    left = volumes(docker_host)
    docker_host.run("docker", "volume", "rm", *left, check=False)


def model(source: Path, archive: Path) -> dict[str, object]:
    image = {"archive": str(archive)}
    return {"source": str(source), "engine": "llama.cpp", "image": image, "context": "1k",
            "parallel": 1}  # fmt: skip


def write(path: Path, host: Host, **models: object) -> None:
    hosts = {"box": {"address": f"root@{host.address}", "ram": "4GiB"}}
    document = {"planner": 1, "project": "kept", "hosts": hosts, "models": models}
    path.write_text(json.dumps(document))  # JSON is YAML


def volume(host: Host, name: str) -> None:
    """Data as a workload of the project leaves it, and one of somebody else beside it."""
    mark = ["--label", "io.planner.project=kept"]
    host.run("docker", "volume", "create", *mark, f"planner-kept_{name}")
    host.run("sh", "-c", f"echo precious >$(docker volume inspect -f '{{{{.Mountpoint}}}}' "
             f"planner-kept_{name})/file")  # fmt: skip


def volumes(host: Host) -> set[str]:
    named = ["--quiet", "--filter", "name=planner-kept_"]  # what other tests left is theirs
    return set(host.run("docker", "volume", "ls", *named).stdout.split())


def test_only_its_name_deletes_data(
    blueprint: Path, docker_host: Host, tiny_model: Path, llama_archive: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    host, path = docker_host, str(blueprint)
    host.run("docker", "volume", "create", "planner-kept_strangers")
    assert run(["apply", path, "--yes"]) == 0
    volume(host, "notes")
    host.run("mkdir", "-p", "/var/lib/planner/kept/data/letters")
    kept = {"planner-kept_notes", "planner-kept_strangers"}
    running = host.run("docker", "ps", "--quiet").stdout

    # saved empty, or cut off in the middle
    text = blueprint.read_text()
    write(blueprint, host)
    assert run(["apply", path, "--yes"]) == 3
    assert "asks for nothing" in capsys.readouterr().err
    for cut in (0, 1, len(text) // 2):
        blueprint.write_text(text[:cut])
        assert run(["apply", path, "--yes"]) == 3
        assert run(["destroy", path, "--yes"]) == 3
    assert host.run("docker", "ps", "--quiet").stdout == running

    # a renamed model, and a farm that is gone
    write(blueprint, host, talk=model(tiny_model, llama_archive))
    assert run(["apply", path, "--yes"]) == 0
    assert volumes(host) == kept
    assert run(["destroy", path, "--yes"]) == 0
    said = capsys.readouterr().err
    assert "only its data is left on the hosts: letters, notes" in said
    assert volumes(host) == kept
    assert host.run("ls", "/var/lib/planner/kept/data").stdout == "letters\n"

    # a slip of the pen, data in use, a stranger's volume; then the name
    assert run(["destroy", path, "--data", "note", "--yes"]) == 2
    assert "there is letters, notes" in capsys.readouterr().err
    assert run(["destroy", path, "--data", "strangers", "--yes"]) == 2
    assert run(["destroy", path, "--data", "notes"]) == 2  # nobody confirms
    host.import_image(llama_archive, "user:1")
    host.run("docker", "create", "--name", "user", "--volume", "planner-kept_notes:/d", "user:1",
             "true")  # fmt: skip
    assert run(["destroy", path, "--data", "notes", "--yes"]) in (8, 9)
    assert volumes(host) == kept
    host.run("docker", "rm", "user")
    host.run("docker", "rmi", "user:1")
    assert run(["destroy", path, "--data", "notes", "--yes"]) == 0
    assert volumes(host) == {"planner-kept_strangers"}
    assert host.run("ls", "/var/lib/planner/kept/data").stdout == "letters\n"
    assert run(["destroy", path, "--data", "letters", "--yes"]) == 0
    assert host.run("ls", "/var/lib/planner", check=False).stdout == ""
