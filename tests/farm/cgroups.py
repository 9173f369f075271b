"""One control group per host, in every hierarchy this machine has.

Without it all hosts would share the machine's own root group, where one host's systemd would end
the services of another. It also answers exactly which processes belong to a host: all in the
group and no others.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from tests.farm.commands import FarmError
from tests.farm.layout import GROUP
from tests.farm.processes import Process

_MOUNTS = Path("/proc/self/mounts")
_PATIENCE_S = 15.0
_PAUSE_S = 0.02


def hierarchies() -> list[Path]:
    """Mount points of all control group hierarchies; the one that counts processes comes first."""
    found: list[tuple[bool, Path]] = []
    for line in _MOUNTS.read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind in ("cgroup", "cgroup2") and where.startswith("/sys/fs/cgroup"):
            other = kind != "cgroup2" and "name=systemd" not in options.split(",")
            found.append((other, Path(where)))
    if all(other for other, _ in found):
        raise FarmError("no control group hierarchy is mounted under /sys/fs/cgroup")
    return [where for _, where in sorted(found)]


def create(name: str) -> None:
    """Make the host's group, with all controllers that this machine can hand down."""
    for top in hierarchies():
        parent = top
        for part in (GROUP, name):
            _hand_down_controllers(parent)
            child = parent / part
            child.mkdir(exist_ok=True)
            _copy_cpuset(parent, child)
            parent = child


def enter(name: str) -> None:
    """Move the calling process into the host's group; its children are born there."""
    for top in hierarchies():
        (top / GROUP / name / "cgroup.procs").write_text("0")


def members(name: str) -> set[int]:
    """Process numbers of everything that runs on the host, its supervisor included."""
    pids: set[int] = set()
    for folder, _, _ in os.walk(hierarchies()[0] / GROUP / name):  # groups vanish as we look
        with contextlib.suppress(OSError):
            pids.update(map(int, Path(folder, "cgroup.procs").read_text().split()))
    return pids


def names() -> list[str]:
    """Hosts that have a group."""
    parent = hierarchies()[0] / GROUP
    return sorted(entry.name for entry in parent.glob("farm*") if entry.is_dir())


def kill(name: str) -> None:
    """End every process of the host at once and wait until all are gone."""
    deadline = time.monotonic() + _PATIENCE_S
    while pids := members(name):
        if time.monotonic() > deadline:
            raise FarmError(f"processes of {name} do not end: {sorted(pids)}")
        for pid in pids:
            process = Process.find(pid)
            if process is not None and pid in members(name):
                process.signal(signal.SIGKILL)
        time.sleep(_PAUSE_S)


def remove(name: str) -> None:
    """Remove the host's group, which must be empty, and after the last one the common parent."""
    for top in hierarchies():
        _remove_tree(top / GROUP / name)
        with contextlib.suppress(OSError):
            (top / GROUP).rmdir()


def _remove_tree(group: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while group.is_dir():
        for folder, _, _ in os.walk(group, topdown=False):
            # Busy for a moment after the last process ended.
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        if group.is_dir():
            if time.monotonic() > deadline:
                raise FarmError(f"control group {group} cannot be removed")
            time.sleep(_PAUSE_S)


def _hand_down_controllers(group: Path) -> None:
    """Version 2 only: let children of `group` use its controllers."""
    try:
        offered = (group / "cgroup.controllers").read_text().split()
    except OSError:
        return
    for controller in offered:
        with contextlib.suppress(OSError):
            (group / "cgroup.subtree_control").write_text(f"+{controller}")


def _copy_cpuset(parent: Path, child: Path) -> None:
    """Version 1 only: a new cpuset is empty, and an empty one takes no process."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        if (child / setting).exists() and not (child / "cgroup.controllers").exists():
            (child / setting).write_text((parent / setting).read_text())
            (child / "cgroup.clone_children").write_text("1")
