"""Who has the farm: one at a time on a machine, remembered after its owner has died."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.farm.commands import FarmError
from tests.farm.layout import LOCK_FILE, RUN_DIR, STATE_FILE
from tests.farm.processes import Process

_PAUSE_S = 0.2


@dataclass(frozen=True)
class Claim:
    """The farm that is up, or was when its owner died."""

    folder: Path  # its FARM_DIR
    owner: Process | None = None  # the farm ends with it; without one it ends by `farm down`
    reaper: Process | None = None  # ends the farm when the owner is gone
    since: str = field(default_factory=lambda: time.strftime("%H:%M:%S"))  # when it was claimed

    def save(self) -> None:
        """Remember it, replacing what was remembered, in one step."""
        data = {
            "folder": str(self.folder),
            "owner": _dump(self.owner),
            "reaper": _dump(self.reaper),
            "since": self.since,
        }
        part = STATE_FILE.with_suffix(".part")
        part.write_text(json.dumps(data))
        os.replace(part, STATE_FILE)


def current() -> Claim | None:
    """The remembered claim; None when no farm is up."""
    try:
        data = json.loads(STATE_FILE.read_text())
        owner, reaper = _load(data["owner"]), _load(data["reaper"])
        return Claim(Path(data["folder"]), owner, reaper, data["since"])
    except (OSError, ValueError, KeyError):
        return None


def forget() -> None:
    """No farm is up any more."""
    STATE_FILE.unlink(missing_ok=True)


def lock(wait_s: float = 0) -> int:
    """Take the machine's farm lock; the descriptor that holds it, until all its copies are closed.

    A reaper keeps a copy, so the lock of a farm with an owner is free only when it is cleared.
    Raises FarmError when it is still held after `wait_s` seconds.
    """
    RUN_DIR.mkdir(mode=0o755, exist_ok=True)
    descriptor = os.open(LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise FarmError(_in_use()) from None
            time.sleep(_PAUSE_S)


def _in_use() -> str:
    claim = current()
    if claim is None or claim.owner is None:
        return "another `farm` command is at work on this machine; try again when it is done"
    owner = claim.owner
    return (
        f"the farm is in use by process {owner.pid} ({owner.command()}) and ends with it.\n"
        "Wait for it, or end its farm with: farm down --force"
    )


def _dump(process: Process | None) -> dict[str, int] | None:
    return None if process is None else asdict(process)


def _load(data: dict[str, int] | None) -> Process | None:
    return None if data is None else Process(data["pid"], data["started"])
