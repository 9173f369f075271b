"""A host's disk: the image below, the host's own changes above, prepared before the first boot."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from tests.farm import image, keys, mounts
from tests.farm.artefact import discard
from tests.farm.layout import HostPaths, Layout, address_of

DOCKER_PACKAGES = ("docker.io", "containerd", "runc")
PROGRAM_FOLDERS = frozenset({"bin", "sbin", "libexec"})
DOCKER_UNITS = ("docker.service", "docker.socket", "containerd.service")


def prepare(layout: Layout, name: str, *, docker: bool) -> None:
    """Mount the host's disk; on a new one put its name, its keys and, unless wanted, no Docker."""
    host = layout.host(name)
    for folder in (host.upper, host.work, host.root, host.docker):
        folder.mkdir(parents=True, exist_ok=True)
    mounts.mount_overlay(layout.image, host.upper, host.work, host.root)
    if host.prepared.exists():
        return
    _personalise(layout, host.root, name)
    if not docker:
        _remove_docker(host.root)
    host.prepared.touch()


def has_docker(host: HostPaths) -> bool:
    """Whether the host has a Docker engine installed."""
    return (host.root / "usr/sbin/dockerd").exists()


def remove(layout: Layout, name: str) -> None:
    """Unmount the host's disk and forget all that was on it."""
    discard(layout.host(name).folder)


def _personalise(layout: Layout, root: Path, name: str) -> None:
    (root / "etc/hostname").write_text(f"{name}\n")
    names = {"127.0.0.1": "localhost", "::1": "localhost", address_of(name): name}
    (root / "etc/hosts").write_text("".join(f"{key} {value}\n" for key, value in names.items()))
    # Left empty, systemd would take the one in the image, the same for all hosts.
    (root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
    discard(root / "var/lib/dbus/machine-id")
    (root / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
    keys.make_host_keys(root)
    for home in (root / "root", root / "home" / image.ADMINISTRATOR):
        _authorize(home, keys.public_part(layout.key).read_text())


def _authorize(home: Path, public_key: str) -> None:
    owner = home.stat()
    folder, listing = home / ".ssh", home / ".ssh/authorized_keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    listing.write_text(public_key)
    listing.chmod(0o600)
    for path in (folder, listing):
        shutil.chown(path, owner.st_uid, owner.st_gid)


def _remove_docker(root: Path) -> None:
    """Take the engine's programs away, as on a host where nobody installed it."""
    for package in DOCKER_PACKAGES:
        listing = root / "var/lib/dpkg/info" / f"{package}.list"
        for line in listing.read_text().splitlines():
            path = root / line.lstrip("/")
            if path.is_file() and PROGRAM_FOLDERS.intersection(path.parts):
                path.unlink()
    discard(root / image.COMPOSE_PLUGIN)
    for unit in DOCKER_UNITS:
        image.mask(root, unit)
