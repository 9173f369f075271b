"""Makes a root folder archive whose llama-server behaves as its context says."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

_SERVER = "usr/bin/llama-server"
_REAL = f"{_SERVER}.real"  # where stand_in.sh finds it
_SCRIPT = Path(__file__).with_suffix(".sh")


def write_stand_in(archive: Path, target: Path) -> Path:
    """The archive with a script before its llama-server, in ``target``."""
    with (
        tarfile.open(archive) as given,
        tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as made,
    ):
        for member in given:
            content = given.extractfile(member) if member.isreg() else None
            if member.name == _SERVER:
                made.addfile(member.replace(name=_REAL), content)
                script = _SCRIPT.read_bytes()
                made.addfile(_sized(member, len(script)), io.BytesIO(script))
            else:
                made.addfile(member, content)
    return target


def _sized(member: tarfile.TarInfo, size: int) -> tarfile.TarInfo:
    """A file like this one of another size."""
    changed = member.replace()
    changed.size = size
    return changed
