"""Builds a root folder archive with a real llama-server, for Docker and RootDirectory= alike.

It holds the server, what it loads, a shell, coreutils and curl (health checks use it), and nothing
to install more with. The bytes depend on the packages' versions alone.
"""

from __future__ import annotations

from pathlib import Path

from tests.farm import apt
from tests.farm.artefact import Artefact, discard
from tests.farm.commands import run
from tests.farm.layout import Layout
from tests.farm.rootfs import UNNEEDED as COMMON
from tests.farm.rootfs import archive, finish, recipe

SUITE = "forky"  # the first suite with llama.cpp
PACKAGES = ("llama.cpp-tools", "base-files", "dash", "coreutils", "curl", "ca-certificates")
# Beside what no archive needs: what is not the server's.
UNNEEDED = (*COMMON, "usr/bin/llama-[!s]*", "usr/bin/openssl", "usr/lib/*/llama/libllama-[!s]*")


def artefact(layout: Layout) -> Artefact:
    """The archive in the farm's folder; another recipe makes it stale."""
    return Artefact(layout.llama, recipe(Path(__file__)))


def ensure(layout: Layout) -> Path:
    """Build the archive unless it is current (some seconds); its path."""
    artefact(layout).ensure(_build)
    return layout.llama


def _build(target: Path, keep_fd: int) -> None:
    aside = target.with_name("llama.aside")
    discard(aside)
    root = aside / "root"
    root.mkdir(parents=True)
    with target.with_name("llama.log").open("w") as log:
        for deb in apt.Suite(SUITE, aside / "apt", log).fetch(PACKAGES):
            run(["dpkg-deb", "--extract", deb, root], log=log, keep_fd=keep_fd)
    finish(root, UNNEEDED)
    _check(root)
    archive(root, target)
    discard(aside)


def _check(root: Path) -> None:
    """Raise FarmError unless what others call in it starts."""
    for program in ("llama-server", "curl", "sh"):
        words = ["-c", ":"] if program == "sh" else ["--version"]
        run(["chroot", root, f"/usr/bin/{program}", *words])
