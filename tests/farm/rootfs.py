"""What root folder archives share: the files every one needs, and a tar with the same bytes."""

from __future__ import annotations

import hashlib
import os
import tarfile
from pathlib import Path

from tests.farm.artefact import discard
from tests.farm.commands import run

# Nothing of this is read when a program runs. Libraries lie in a folder named by the processor.
UNNEEDED = (
    "etc/cron.*",
    "etc/systemd",
    "usr/include",
    "usr/lib/*/engines-3",
    "usr/lib/*/gconv",
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
_FOLDERS = ("dev", "proc", "root", "run", "sys", "tmp", "var/tmp")
_TIME = 1_700_000_000  # of every file: the bytes must not depend on when they were made


def recipe(*paths: Path) -> str:
    """What makes an archive stale when it changes: these files, and this one."""
    texts = [path.read_bytes() for path in (*paths, Path(__file__))]
    return hashlib.sha256(b"".join(texts)).hexdigest()


def finish(root: Path, unneeded: tuple[str, ...] = UNNEEDED) -> None:
    """Do the little that the packages' scripts would have done, and drop what nobody reads."""
    for path, text in _FILES.items():
        (root / path).write_text(text)
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    shell = root / "usr/bin/sh"
    if not shell.is_symlink() and (root / "usr/bin/dash").exists():
        shell.symlink_to("dash")
    certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in certificates))
    for pattern in unneeded:
        for path in root.glob(pattern):
            discard(path)
    (root / "var/lib/dpkg").mkdir(parents=True)
    # Libraries outside the default folders are found through this cache.
    run(["ldconfig", "-r", root])


def archive(root: Path, target: Path) -> None:
    """Write `root` as a tar: names sorted, one time, everything root's."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mtime, info.uid, info.gid, info.uname, info.gname = _TIME, 0, 0, "root", "root"
        return info

    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        tar.add(root, ".", recursive=False, filter=plain)
        for folder, folders, files in os.walk(root):
            folders.sort()
            for name in sorted([*folders, *files]):
                path = Path(folder, name)
                tar.add(path, str(path.relative_to(root)), recursive=False, filter=plain)
