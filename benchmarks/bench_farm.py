"""Eight real hosts for a benchmark, each with three files and one service put there by planner."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measure import CannotMeasure
from tests.farm.control import Farm, Host
from tests.helpers.tiny_gguf import write_tiny_gguf

PROJECT: Final = "bench"
_WAIT_S: Final = 1800.0  # another run on this machine may have the farm


@dataclass(frozen=True, slots=True)
class Deployed:
    """One host: its service, and where each of its three files lies here and there."""

    host: Host
    service: str
    files: dict[Path, str]


@contextmanager
def standing(count: int) -> Iterator[Farm]:
    """``count`` hosts with systemd only, gone when this process ends, however it ends."""
    farm = Farm()
    names = [f"farm{number}" for number in range(1, count + 1)]
    farm.up(count, no_docker=names, owner=os.getpid(), wait_s=_WAIT_S)
    try:
        yield farm
    finally:
        farm.down()


def write_blueprint(farm: Farm, folder: Path) -> Path:
    """A blueprint with one model a host: a real llama-server and a tiny model, as a unit."""
    model = write_tiny_gguf(folder / "tiny.gguf")
    archive = farm.llama()
    hosts, models = {}, {}
    for number, host in enumerate(farm.hosts, 1):
        hosts[host.name] = {
            "address": f"root@{host.address}",
            "identity": str(farm.key),
            "ram": "4GiB",
            "disk": "20GB",
            "runtime": "systemd",
        }
        models[f"m{number}"] = {
            "source": model.name,
            "engine": "llama.cpp",
            "image": {"archive": str(archive)},
            "context": "1k",
            "parallel": 1,
            "on": host.name,
        }
    path = folder / "blueprint.yaml"
    document = {"planner": 1, "project": PROJECT, "hosts": hosts, "models": models}
    path.write_text(json.dumps(document, indent=1))  # JSON is YAML
    return path


def deploy(planner: tuple[str, ...], blueprint: Path, environment: dict[str, str]) -> None:
    """Apply twice: once to deploy, once to see that nothing is left to do."""
    for expected in ("done", "Nothing to do."):
        done = subprocess.run(
            [*planner, "apply", str(blueprint), "--yes"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or expected not in done.stdout + done.stderr:
            raise CannotMeasure(f"apply did not end as it should:\n{done.stdout}\n{done.stderr}")


def what_lies_there(farm: Farm, folder: Path) -> list[Deployed]:
    """The files and the service of each host, with copies of the files under ``folder``."""
    return [_of(host, folder / host.name) for host in farm.hosts]


def _of(host: Host, folder: Path) -> Deployed:
    home = f"/var/lib/planner/{PROJECT}"
    found = host.run("find", f"{home}/current/", f"{home}/artifacts/weights", "-type", "f")
    paths = sorted(found.stdout.split())
    services = [path for path in paths if path.endswith(".service")]
    if len(paths) != 3 or len(services) != 1:
        raise CannotMeasure(f"{host.name} has not three files and one unit: {paths}")
    copies = {}
    folder.mkdir()
    for path in paths:
        copy = folder / path.rpartition("/")[2]
        # read past the links on the host's own disk: ssh would make text of it
        real = host.run("readlink", "-f", path).stdout.strip()
        copy.write_bytes((host.root / real.lstrip("/")).read_bytes())
        copies[copy] = path
    return Deployed(host, services[0].rpartition("/")[2], copies)
