"""SSH keys: the one that opens every host, and the hosts' own, read from their disks."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tests.farm.commands import run
from tests.farm.layout import Layout, address_of

HOST_KEY_KINDS = ("ed25519", "ecdsa")


def ensure_user_key(layout: Layout) -> Path:
    """Make the key that all hosts accept, unless it is there; the private key's path."""
    layout.folder.mkdir(parents=True, exist_ok=True)
    with (layout.folder / "key.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not public_part(layout.key).exists():
            layout.key.unlink(missing_ok=True)
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "farm", "-f", layout.key])
    return layout.key


def public_part(key: Path) -> Path:
    """The public key's file beside a private one."""
    return key.with_name(f"{key.name}.pub")


def make_host_keys(root: Path) -> None:
    """Give the disk at `root` new host keys; old ones are gone for good."""
    folder = root / "etc/ssh"
    for old in folder.glob("ssh_host_*"):
        old.unlink()
    for kind in HOST_KEY_KINDS:
        path = folder / f"ssh_host_{kind}_key"
        run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", path])


def write_known_hosts(layout: Layout) -> None:
    """Write the true keys of all hosts, read from their disks, to the farm's known_hosts file."""
    lines = []
    for folder in sorted(layout.hosts.iterdir()) if layout.hosts.is_dir() else []:
        root = layout.host(folder.name).root
        for public in sorted((root / "etc/ssh").glob("ssh_host_*_key.pub")):
            kind, data, *_ = public.read_text().split()
            lines.append(f"{address_of(folder.name)} {kind} {data}\n")
    part = layout.known_hosts.with_name("known_hosts.part")
    part.write_text("".join(lines))
    os.replace(part, layout.known_hosts)
