"""A replica that names processors and NUMA nodes runs there, in a unit and in a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.cli.main import run
from tests.farm.control import Farm, Host

pytestmark = pytest.mark.farm

BLUEPRINT = """\
planner: 1
project: pinned
hosts:
  unit: {{address: "root@{unit}", ram: 4GiB, runtime: systemd}}
  box: {{address: "root@{box}", ram: 4GiB}}
models:
  bound:
    source: {model}
    engine: llama.cpp
    image: {{archive: {archive}}}
    context: 1k
    parallel: 1
    threads: 1
    numa: [0]
    on: unit
  kept:
    source: {model}
    engine: llama.cpp
    image: {{archive: {archive}}}
    context: 1k
    parallel: 1
    threads: 1
    cpus: "0"
    on: box
  ranged:
    source: {model}
    engine: llama.cpp
    image: {{archive: {archive}}}
    context: 1k
    parallel: 1
    threads: 1
    cpus: 0-1
    on: unit
"""


def shown(host: Host, unit: str, *names: str) -> dict[str, str]:
    options = [word for name in names for word in ("-p", name)]
    told = host.run("systemctl", "show", unit, *options).stdout
    return dict(line.split("=", 1) for line in told.splitlines())


def allowed(host: Host, pid: str, what: str) -> str:
    status = host.run("cat", f"/proc/{pid}/status").stdout
    [line] = [line for line in status.splitlines() if line.startswith(f"{what}_allowed_list:")]
    return line.split()[1]


def test_it_runs_where_it_is_kept(
    farm: Farm,
    docker_host: Host,
    systemd_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    monkeypatch.setenv("PLANNER_IDENTITY", str(farm.key))
    path = tmp_path / "pinned.yaml"
    path.write_text(
        BLUEPRINT.format(
            unit=systemd_host.address,
            box=docker_host.address,
            model=tiny_model,
            archive=llama_archive,
        )
    )
    try:
        assert run(["apply", str(path), "--yes"]) == 0
        bound = shown(systemd_host, "planner-pinned-bound-0", "NUMAPolicy", "NUMAMask", "MainPID")
        assert (bound["NUMAPolicy"], bound["NUMAMask"]) == ("bind", "0")
        assert allowed(systemd_host, bound["MainPID"], "Mems") == "0"
        ranged = shown(systemd_host, "planner-pinned-ranged-0", "CPUAffinity", "MainPID")
        assert ranged["CPUAffinity"] == "0-1"
        assert allowed(systemd_host, ranged["MainPID"], "Cpus") == "0-1"
        inspected = docker_host.run(
            "docker", "inspect", "--format", "{{.HostConfig.CpusetCpus}}", "planner-pinned-kept-0-1"
        )
        assert inspected.stdout.strip() == "0"
        assert run(["plan", str(path), "--detailed-exitcode"]) == 0
    finally:
        assert run(["destroy", str(path), "--yes"]) == 0
