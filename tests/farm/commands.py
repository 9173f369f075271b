"""Runs other programs from argument lists and turns their failures into one readable error."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# Program -> Debian package. What the farm needs on the machine it runs on.
TOOLS: Mapping[str, str] = {
    "apt-get": "apt",
    "debootstrap": "debootstrap",
    "dpkg-deb": "dpkg",
    "ip": "iproute2",
    "mount": "mount",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Debian keeps these out of an ordinary user's PATH, and some shells keep them out of root's.
SYSTEM_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")
TAIL_LINES = 15


class FarmError(Exception):
    """Something the farm cannot do; the text says what, why and what to type next."""


def run(
    argv: Sequence[str | Path],
    *,
    check: bool = True,
    text_input: str | None = None,
    log: IO[str] | None = None,
    env: Mapping[str, str] | None = None,
    keep_fd: int | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `argv` to its end and return it with its output as text.

    With `log` both streams go to that file instead. `keep_fd` stays open in the program.
    Raises FarmError when the program is missing, ends with another status than 0 (unless `check` is
    false), or runs longer than `timeout` seconds.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            check=False,
            text=True,
            input=text_input,
            stdin=subprocess.DEVNULL if text_input is None else None,
            stdout=log or subprocess.PIPE,
            stderr=subprocess.STDOUT if log else subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C.UTF-8", "PATH": search_path(), **(env or {})},
            pass_fds=() if keep_fd is None else (keep_fd,),
            timeout=timeout,
        )
    except FileNotFoundError as error:
        raise FarmError(f"{words[0]} is not installed on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise FarmError(f"{shlex.join(words)} took longer than {timeout:g} s") from error
    if check and done.returncode != 0:
        said = tail_of(Path(log.name)) if log else last_lines(done.stderr or done.stdout or "")
        raise FarmError(f"{shlex.join(words)} ended with status {done.returncode}:\n{said}")
    return done


def search_path() -> str:
    """PATH with the folders of system programs added at its end."""
    given = os.environ.get("PATH", "/usr/bin:/bin").split(":")
    return ":".join([*given, *(folder for folder in SYSTEM_PATH if folder not in given)])


def require_machine() -> None:
    """Raise FarmError, naming all that is missing at once, unless this machine can run a farm."""
    missing = sorted(
        {pkg for tool, pkg in TOOLS.items() if shutil.which(tool, path=search_path()) is None}
        | (set() if KEYRING.exists() else {"debian-archive-keyring"})
    )
    problems = []
    if os.geteuid() != 0:
        problems.append("The farm boots machines, which needs root: run it with sudo.")
    if missing:
        problems.append(
            f"Packages are missing here: {', '.join(missing)}.\n"
            f"Install them with: apt-get install --yes --no-install-recommends {' '.join(missing)}"
        )
    if problems:
        raise FarmError("\n".join(problems))


def last_lines(text: str, count: int = TAIL_LINES) -> str:
    """The last `count` lines of `text`, indented for a message."""
    return "\n".join(f"    {line}" for line in text.splitlines()[-count:])


def tail_of(path: Path, count: int = TAIL_LINES) -> str:
    """The last `count` lines of a log file, indented for a message, after the file's path."""
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        return f"    (no log: {error})"
    return f"  {path} ends with:\n{last_lines(text, count)}"
