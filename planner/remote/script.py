"""The multi-step actions on a host: static POSIX shell scripts that take arguments.

A script travels over standard input to ``sh -s -- ARGUMENTS``, so that no text is pasted into it;
its last line ends it, because the end of its input may be lost with the link;
one that needs standard input for itself is an argument of ``sh -c``. Secrets are such input: every
user of a host can read arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path


class Script(StrEnum):
    """The scripts that ship, by file name."""

    OBSERVE = "observe"
    LOCK = "lock"
    GUARD = "guard"
    UNLOCK = "unlock"
    BEGIN_TRANSFER = "begin_transfer"
    PLACE_FILE = "place_file"
    UNPACK_ROOT = "unpack_root"
    LOAD_IMAGE = "load_image"
    PULL_IMAGE = "pull_image"
    FETCH_HUB = "fetch_hub"
    WRITE_RELEASE = "write_release"
    WATCH = "watch"
    GO_BACK = "go_back"
    ACTIVATE = "activate"
    START = "start"
    CONFIRM = "confirm"
    STOP = "stop"
    LOOK = "look"
    START_LOG = "start_log"
    PUT_SECRET = "put_secret"
    READ_SECRET = "read_secret"
    SECRETS_READ = "secrets_read"
    INSPECT = "inspect"
    REMOVE = "remove"
    REMOVE_DATA = "remove_data"
    REMOVE_PROJECT = "remove_project"


@dataclass(frozen=True, slots=True)
class Command:
    """One command for a host: its arguments and what it reads from standard input."""

    argv: tuple[str, ...]
    stdin: bytes = field(default=b"", repr=False)


# what a script begins with, because another has it too
_SHARED = {
    Script.GUARD: "foreign_links",
    Script.OBSERVE: "foreign_links",
    Script.START: "drain",
    Script.STOP: "drain",
}


@cache
def script_text(script: Script) -> bytes:
    """What the script says, with the lines that it shares before its own."""
    names = (_SHARED[script], script) if script in _SHARED else (script,)
    folder = Path(__file__).parent / "scripts"
    return b"".join((folder / f"{name}.sh").read_bytes() for name in names)


def script_command(script: Script, *args: str) -> Command:
    """The command that runs a script with these arguments."""
    return Command(("sh", "-s", "--", *args), script_text(script))


def inline_command(script: Script, *args: str, given: bytes = b"") -> Command:
    """The command that runs a script with these arguments and leaves it standard input, with
    ``given`` to read there."""
    return Command(("sh", "-c", script_text(script).decode(), "sh", *args), given)
