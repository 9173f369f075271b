"""The same checks by other means: pyinfra, and a plain shell loop of ssh."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.bench_farm import Deployed
from benchmarks.measure import CannotMeasure, Command, clean_environment, compile_bytecode
from tests.farm.control import Farm

PYINFRA: Final = "pyinfra==3.10.0"

# Each host's data says what lies on it, so that one deploy serves all.
_DEPLOY: Final = """\
from pyinfra import host
from pyinfra.operations import files, systemd

for source, target in host.data.wanted_files:
    files.put(src=source, dest=target)
systemd.service(service=host.data.wanted_service, running=True, enabled=True)
"""


def install_pyinfra(folder: Path) -> Path:
    """pyinfra in an environment of its own, never in planner's. Returns its program."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing {PYINFRA} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", PYINFRA], check=True)
    compile_bytecode(str(python), "pyinfra", "pyinfra_cli", "paramiko", "gevent", "cryptography")
    return folder / "bin" / "pyinfra"


def pyinfra_command(program: Path, farm: Farm, there: Sequence[Deployed], folder: Path) -> Command:
    """A pyinfra run over all hosts that finds every file and service as wanted."""
    login = {
        "ssh_user": "root",
        "ssh_key": str(farm.key),
        "ssh_known_hosts_file": str(farm.known_hosts),
        "ssh_strict_host_key_checking": "yes",
    }
    hosts = [
        (
            item.host.address,
            {
                **login,
                "wanted_service": item.service,
                "wanted_files": [[str(copy), path] for copy, path in item.files.items()],
            },
        )
        for item in there
    ]
    inventory, deploy = folder / "inventory.py", folder / "deploy.py"
    inventory.write_text(f"hosts = {json.dumps(hosts)}\nhosts = [tuple(host) for host in hosts]\n")
    deploy.write_text(_DEPLOY)
    words = (str(program), "-y", str(inventory), str(deploy))
    _check(words, sum(len(item.files) + 1 for item in there))
    return Command("pyinfra", words, clean_environment())


def ssh_command(farm: Farm, there: Sequence[Deployed], folder: Path) -> Command:
    """One ssh a host, all at once: checksums of the files, and whether the service runs."""
    options = [
        "-F", "none", "-i", str(farm.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={farm.known_hosts}",
    ]  # fmt: skip
    lines = ["#!/bin/sh", "failed=0", "pids="]
    for item in there:
        sums = shlex.join(["sha256sum", *item.files.values()])
        asked = f"{sums} && systemctl is-active {item.service}"
        words = ["ssh", *options, f"root@{item.host.address}", asked]
        lines += [f"{shlex.join(words)} &", 'pids="$pids $!"']
    lines += ["for pid in $pids; do wait $pid || failed=1; done", "exit $failed"]
    script = folder / "ssh.sh"
    script.write_text("\n".join(lines) + "\n")
    return Command("ssh", ("sh", str(script)), clean_environment())


def _check(words: tuple[str, ...], unchanged: int) -> None:
    """Run pyinfra once and look that it did all the work and changed nothing."""
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=clean_environment()
    )
    said = done.stdout + done.stderr
    if done.returncode or said.count("] No changes") != unchanged:
        raise CannotMeasure(f"pyinfra found something to do:\n{said}")
