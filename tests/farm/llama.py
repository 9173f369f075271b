"""Builds a root folder archive with a real llama-server, for Docker and RootDirectory= alike.

It holds the server, what it loads, a shell, coreutils and curl (health checks use it), and nothing
to install more with. The bytes depend on the packages' versions alone.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from pathlib import Path

from tests.farm import apt
from tests.farm.artefact import Artefact, discard
from tests.farm.commands import run
from tests.farm.layout import Layout

SUITE = "forky"  # the first suite with llama.cpp
PACKAGES = ("llama.cpp-tools", "base-files", "dash", "coreutils", "curl", "ca-certificates")
# Nothing of this is read when the server runs. Libraries lie in a folder named by the processor.
UNNEEDED = (
    "etc/cron.*",
    "etc/systemd",
    "usr/bin/llama-[!s]*",
    "usr/bin/openssl",
    "usr/include",
    "usr/lib/*/engines-3",
    "usr/lib/*/gconv",
    "usr/lib/*/llama/libllama-[!s]*",
    "usr/lib/*/perl*",
    "usr/lib/systemd",
    "usr/libexec",
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/debconf",
    "usr/share/doc*",
    "usr/share/fish",
    "usr/share/info",
    "usr/share/libc-bin",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/perl5",
    "usr/share/zsh",
    "var/cache",
    "var/lib/dpkg",
)
_FILES = {
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
    ),
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    # Mount targets that systemd expects in a RootDirectory=.
    "etc/machine-id": "",
    "etc/resolv.conf": "",
}
_FOLDERS = ("dev", "proc", "run", "sys", "tmp", "var/tmp")
_TIME = 1_700_000_000  # of every file: the bytes must not depend on when they were made


def artefact(layout: Layout) -> Artefact:
    """The archive in the farm's folder; another recipe makes it stale."""
    return Artefact(layout.llama, hashlib.sha256(Path(__file__).read_bytes()).hexdigest())


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
    _finish(root)
    _check(root)
    _archive(root, target)
    discard(aside)


def _finish(root: Path) -> None:
    """Do the little that the packages' scripts would have done, and drop what nobody reads."""
    for path, text in _FILES.items():
        (root / path).write_text(text)
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    shell = root / "usr/bin/sh"
    if not shell.is_symlink():
        shell.symlink_to("dash")
    certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in certificates))
    for pattern in UNNEEDED:
        for unneeded in root.glob(pattern):
            discard(unneeded)
    (root / "var/lib/dpkg").mkdir(parents=True)
    # Libraries outside the default folders are found through this cache.
    run(["ldconfig", "-r", root])


def _check(root: Path) -> None:
    """Raise FarmError unless what others call in it starts."""
    for program in ("llama-server", "curl", "sh"):
        words = ["-c", ":"] if program == "sh" else ["--version"]
        run(["chroot", root, f"/usr/bin/{program}", *words])


def _archive(root: Path, target: Path) -> None:
    """Write `root` as a tar: names sorted, one time, everything root's."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mtime, info.uid, info.gid, info.uname, info.gname = _TIME, 0, 0, "root", "root"
        return info

    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(root, ".", recursive=False, filter=plain)
        for folder, folders, files in os.walk(root):
            folders.sort()
            for name in sorted([*folders, *files]):
                path = Path(folder, name)
                archive.add(path, str(path.relative_to(root)), recursive=False, filter=plain)
