"""A user who may run planner-host alone deploys, and can do nothing else as root."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.cli.main import run
from planner.remote.helper import installer
from tests.farm.control import Farm, Host

pytestmark = pytest.mark.farm


def test_a_farm_comes_and_goes_without_a_root_login(
    farm: Farm,
    docker_host: Host,
    systemd_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    monkeypatch.setenv("PLANNER_IDENTITY", str(farm.key))
    hosts = {"left": docker_host, "right": systemd_host}
    for host in hosts.values():
        host.run("sh", "-s", text_input=installer("ops"))
        host.run("sh", "-c", "mv /etc/sudoers.d/ops /root/; gpasswd --delete ops sudo; "
                 "gpasswd --delete ops docker || true")  # fmt: skip
    image = {"archive": str(llama_archive)}
    document = {
        "planner": 1,
        "project": "limited",
        "hosts": {
            name: {
                "address": f"ops@{host.address}",
                "helper": True,
                "ram": "4GiB",
                "runtime": "compose" if host.has_docker else "systemd",
            }
            for name, host in hosts.items()
        },
        "models": {
            f"on-{name}": {"source": str(tiny_model), "engine": "llama.cpp", "image": image,
                           "context": "1k", "parallel": 1, "on": name, "api_key": "secret:key"}
            for name in hosts
        },
        "secrets": {"key": {}},
    }  # fmt: skip
    path = tmp_path / "limited.yaml"
    path.write_text(json.dumps(document))
    try:
        assert run(["apply", str(path), "--yes"]) == 0
        capsys.readouterr()
        assert run(["apply", str(path), "--yes"]) == 0
        assert "Nothing to do" in capsys.readouterr().out
        assert run(["status", str(path)]) == 0
        document["models"]["on-left"]["context"] = "2k"  # type: ignore[index]
        path.write_text(json.dumps(document))
        assert run(["apply", str(path), "--yes"]) == 0
        assert run(["rollback", str(path), "--yes"]) == 0
        for host in hosts.values():
            for line in ("sudo -n id", "sudo -n sh -c id", "sudo -n docker ps",
                         "sudo -n /usr/local/sbin/planner-host sh -c id sh x",
                         "cat /var/lib/planner/limited/secrets/key", "docker ps"):  # fmt: skip
                assert host.run("sh", "-c", line, user="ops", check=False).returncode != 0, line
        # without the key in the blueprint the message says what to do
        del document["hosts"]["right"]["helper"]  # type: ignore[index]
        path.write_text(json.dumps(document))
        assert run(["plan", str(path)]) == 4
        said = " ".join(capsys.readouterr().err.split())
        assert "planner hosts sudoers --user ops" in said
        document["hosts"]["right"]["helper"] = True  # type: ignore[index]
        path.write_text(json.dumps(document))
    finally:
        assert run(["destroy", str(path), "--yes"]) == 0
        for host in hosts.values():
            host.run("sh", "-c", "mv /root/ops /etc/sudoers.d/; usermod -aG sudo ops; "
                     "getent group docker && usermod -aG docker ops; "
                     "rm -f /etc/sudoers.d/planner-ops /usr/local/sbin/planner-host")  # fmt: skip
