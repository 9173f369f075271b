"""Builds root folder archives with the real LiteLLM proxy and the real Caddy, for the gateway."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.farm import apt
from tests.farm.artefact import Artefact, discard
from tests.farm.commands import run
from tests.farm.layout import Layout
from tests.farm.rootfs import archive, finish, recipe

# The suite's Python is older than the one that runs pip, whose conditions pip goes by.
LITELLM = ("litellm[proxy]==1.100.5", "async-timeout")
_SUITE = "bookworm"
_PYTHON = "3.11"  # of that suite; wheels are chosen for it, whatever Python runs this
_PACKAGES = ("python3-minimal", "libpython3-stdlib", "base-files", "dash", "coreutils",
             "ca-certificates", "tzdata", "libstdc++6")  # fmt: skip
# Big, and imported for features that are switched on by settings nobody here writes.
_HEAVY = ("_polars_runtime_32", "pyroscope", "_soundfile_data", "granian")
_SITE = Path("usr/local/lib/python3.11/dist-packages")
_CADDY_SUITE = "forky"  # the first suite whose Caddy reads keys from files
_COMMAND = """#!/usr/bin/python3
import sys
from litellm import run_server
sys.exit(run_server())
"""


def ensure_litellm(layout: Layout) -> Path:
    """Build the proxy's archive unless it is current (some minutes); its path."""
    target = layout.folder / "litellm.tar"
    Artefact(target, recipe(Path(__file__))).ensure(_build_litellm)
    return target


def ensure_caddy(layout: Layout) -> Path:
    """Build Caddy's archive unless it is current (some seconds); its path."""
    target = layout.folder / "caddy.tar"
    Artefact(target, recipe(Path(__file__))).ensure(_build_caddy)
    return target


def _root(target: Path, suite: str, packages: tuple[str, ...], keep_fd: int) -> tuple[Path, Path]:
    aside = target.with_name(f"{target.name}.aside")
    discard(aside)
    root = aside / "root"
    root.mkdir(parents=True)
    with target.with_name(f"{target.name}.log").open("w") as log:
        for deb in apt.Suite(suite, aside / "apt", log).fetch(packages):
            run(["dpkg-deb", "--extract", deb, root], log=log, keep_fd=keep_fd)
    return aside, root


def _build_litellm(target: Path, keep_fd: int) -> None:
    aside, root = _root(target, _SUITE, _PACKAGES, keep_fd)
    site = root / _SITE
    with target.with_name(f"{target.name}.pip.log").open("w") as log:
        pip = [sys.executable, "-m", "pip", "install", "--no-compile", "--only-binary=:all:"]
        run([*pip, f"--python-version={_PYTHON}", f"--target={site}", *LITELLM],
            log=log, keep_fd=keep_fd)  # fmt: skip
    for name in _HEAVY:
        shutil.rmtree(site / name, ignore_errors=True)
    command = root / "usr/bin/litellm"
    command.write_text(_COMMAND)
    command.chmod(0o755)
    finish(root)
    # The interpreter finds its modules beside python3.11 under either name.
    run(["chroot", root, "/usr/bin/python3", "-c", "import litellm.proxy.proxy_server"])
    for cache in root.rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
    archive(root, target)
    discard(aside)


def _build_caddy(target: Path, keep_fd: int) -> None:
    aside, root = _root(target, _CADDY_SUITE, ("caddy", "base-files", "ca-certificates"), keep_fd)
    finish(root)
    run(["chroot", root, "/usr/bin/caddy", "version"])
    archive(root, target)
    discard(aside)
