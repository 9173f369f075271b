"""Builds the disk image that hosts start from: Debian with systemd, sshd, Docker, compose v2."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import IO

from tests.farm import apt
from tests.farm.artefact import Artefact, discard
from tests.farm.commands import run
from tests.farm.layout import Layout

SUITE = "bookworm"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "sudo",
    "iproute2",
    "iptables",
    "ca-certificates",
    "curl",
    "rsync",
    "python3",
    "docker.io",
)
# Compose v2 is packaged in later suites only; its plugin is one Go binary that runs on this one.
COMPOSE_SUITE = "forky"
COMPOSE_PACKAGE = "docker-compose"
COMPOSE_PLUGIN = Path("usr/libexec/docker/cli-plugins/docker-compose")

# A host's usual administrator, who is not root: in blueprints people write ops@ADDRESS.
ADMINISTRATOR = "ops"
INIT = Path("usr/local/lib/planner-farm/init")
UNNEEDED_UNITS = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
)
_ASSETS = Path(__file__).with_name("assets")


def artefact(layout: Layout) -> Artefact:
    """The image in the farm's folder; another recipe makes it stale."""
    recipe = Path(__file__).read_text() + _init_text()
    return Artefact(layout.image, hashlib.sha256(recipe.encode()).hexdigest())


def ensure(layout: Layout) -> Path:
    """Build the image unless it is current (about a minute); its folder."""
    artefact(layout).ensure(_build)
    return layout.image


def _build(root: Path, keep_fd: int) -> None:
    with root.with_name("image.log").open("w") as log:
        # Ends with us: a build that is redone must not meet the rest of a killed one.
        words = ["setpriv", "--pdeathsig=KILL", "debootstrap", "--variant=minbase"]
        chosen = f"--include={','.join(PACKAGES)}"
        run([*words, chosen, SUITE, root, apt.mirror_with(SUITE)], log=log, keep_fd=keep_fd)
        _add_compose(root, log)
    _configure(root)


def _add_compose(root: Path, log: IO[str]) -> None:
    aside = root.with_name("image.compose")
    discard(aside)
    debs = apt.Suite(COMPOSE_SUITE, aside / "apt", log).fetch([COMPOSE_PACKAGE])
    [deb] = [path for path in debs if path.name.startswith(f"{COMPOSE_PACKAGE}_")]
    run(["dpkg-deb", "--extract", deb, aside / "package"], log=log)
    (root / COMPOSE_PLUGIN).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(aside / "package" / COMPOSE_PLUGIN, root / COMPOSE_PLUGIN)
    discard(aside)


def _configure(root: Path) -> None:
    """What makes the installed system a host of the farm."""
    for unit in UNNEEDED_UNITS:
        mask(root, unit)
    for old_key in (root / "etc/ssh").glob("ssh_host_*"):
        old_key.unlink()
    run(["chroot", root, "useradd", "--create-home", "--shell=/bin/bash", ADMINISTRATOR])
    run(["chroot", root, "usermod", "--append", "--groups=sudo,docker", ADMINISTRATOR])
    rule = root / "etc/sudoers.d" / ADMINISTRATOR
    rule.write_text(f"{ADMINISTRATOR} ALL=(ALL) NOPASSWD: ALL\n")
    rule.chmod(0o440)
    init = root / INIT
    init.parent.mkdir(parents=True)
    init.write_text(_init_text())
    init.chmod(0o755)
    for leftovers in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / leftovers, ignore_errors=True)
        (root / leftovers / "partial").mkdir(parents=True)


def mask(root: Path, unit: str) -> None:
    """Make systemd on the disk at `root` never start a unit."""
    link = root / "etc/systemd/system" / unit
    link.unlink(missing_ok=True)
    link.symlink_to("/dev/null")


def _init_text() -> str:
    return (_ASSETS / "init").read_text()
