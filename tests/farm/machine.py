"""Power: boots a host as a machine of its own, waits until it is ready, and cuts its power."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.farm import cgroups, disk, image, mounts, network, ssh
from tests.farm.commands import FarmError, run, search_path, tail_of
from tests.farm.layout import PROJECT_ROOT, HostPaths, Layout, machine_of, number_of

READY_WITHIN_S = 60.0
_PAUSE_S = 0.05
_NSPAWN_FOLDERS = (Path("/run/systemd/nspawn/propagate"), Path("/run/systemd/nspawn/unix-export"))
_NSPAWN_LOCKS = Path("/run/systemd/nspawn/locks")


def start(layout: Layout, name: str) -> None:
    """Switch on a host whose disk is prepared; returns at once."""
    host = layout.host(name)
    if is_running(name):
        raise FarmError(f"{name} is already running")
    network.create_host(name)
    cgroups.create(name)
    launcher = [sys.executable, "-m", "tests.farm.launch", name, str(host.console)]
    # /proc/sys/net must be writable in there, or Docker cannot switch on forwarding.
    env = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network", "PYTHONPATH": str(PROJECT_ROOT)}
    run([*launcher, *_nspawn(host, name)], env=env)


def _nspawn(host: HostPaths, name: str) -> list[str]:
    program = shutil.which("systemd-nspawn", path=search_path())
    return [
        program or "systemd-nspawn",
        "--quiet",
        f"--machine={machine_of(name)}",
        f"--hostname={name}",
        f"--directory={host.root}",
        "--register=no",
        "--keep-unit",
        "--private-users=no",
        "--resolv-conf=off",
        "--timezone=off",
        f"--network-namespace-path={network.namespace_path(name)}",
        # Docker mounts, makes namespaces and loads filters, as on a machine of its own.
        "--capability=all",
        "--system-call-filter=add_key keyctl bpf",
        f"--bind={host.docker}:/var/lib/docker",
        f"/{image.INIT}",
    ]


def is_running(name: str) -> bool:
    """Whether anything of the host runs."""
    return bool(cgroups.members(name))


def wait_ready(layout: Layout, name: str, within: float = READY_WITHIN_S) -> None:
    """Wait until the host has booted: SSH answers, systemd is done, Docker (if installed) works.

    Raises FarmError with the end of the console when it does not within `within` seconds.
    """
    host = layout.host(name)
    deadline = time.monotonic() + within
    _wait(lambda: ssh.answers(name), name, host, deadline, "sshd does not answer")

    def call(*command: str) -> str:
        left = max(1.0, deadline - time.monotonic())
        done = ssh.call(layout, name, command, check=False, timeout=left)
        return done.stdout.strip() or done.stderr.strip()

    try:
        state = call("systemctl", "is-system-running", "--wait")
        if state not in ("running", "degraded"):
            raise FarmError(f"systemd says {state!r}")
        if disk.has_docker(host):
            said = call("docker", "info", "--format", "{{.ServerVersion}}")
            if not said[:1].isdigit():
                raise FarmError(f"docker info says {said!r}")
    except FarmError as error:
        raise FarmError(f"{name} did not come up: {error}\n{tail_of(host.console)}") from error


def _wait(
    condition: Callable[[], bool], name: str, host: HostPaths, deadline: float, problem: str
) -> None:
    while not condition():
        if not is_running(name):
            raise FarmError(f"{name} stopped while booting.\n{tail_of(host.console)}")
        if time.monotonic() > deadline:
            raise FarmError(f"{name} did not come up: {problem}.\n{tail_of(host.console)}")
        time.sleep(_PAUSE_S)


def power_off(layout: Layout, name: str) -> None:
    """End the host without warning, as a power cut does; its disk stays. Fine when it is off."""
    number_of(name)
    cgroups.kill(name)
    cgroups.remove(name)
    network.remove_host(name)
    _sweep_after_nspawn(layout.host(name), name)


def _sweep_after_nspawn(host: HostPaths, name: str) -> None:
    """Remove what systemd-nspawn, killed, could not remove itself."""
    for folder in _NSPAWN_FOLDERS:
        mounts.unmount_below(folder / machine_of(name))
        with contextlib.suppress(OSError):
            (folder / machine_of(name)).rmdir()
    with contextlib.suppress(OSError):
        root = host.root.stat()
        (_NSPAWN_LOCKS / f"inode-{root.st_dev}:{root.st_ino}").unlink()
