"""The program that a host's administrator installs so that planner's user may run it, and nothing
else, as root. Pure but for the scripts that ship."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from planner.errors import UsageError
from planner.remote.script import Script, script_text
from planner.remote.transport import HELPER as PROGRAM
from planner.remote.transport import PUT_SCRIPT

_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


def helper_text() -> str:
    """The program: it knows every script of this planner by its digest."""
    text = (Path(__file__).parent / "host" / "planner-host.sh").read_text(encoding="utf-8")
    scripts = [_digest(script_text(one).decode()) for one in Script if one is not Script.GUARD]
    text = text.replace("@SCRIPTS@", " ".join(scripts)).replace("@PUT@", _digest(PUT_SCRIPT))
    for one in (Script.GUARD, Script.WATCH, Script.GO_BACK, Script.ACTIVATE):
        text = text.replace(f"@{one.name}@", _digest(script_text(one).decode()))
    return text


def installer(user: str) -> str:
    """A shell script for root that installs the program and the one rule of sudo for ``user``.

    Raises UsageError for a name that no user can have.
    """
    if not _USER.fullmatch(user):
        raise UsageError(
            f"{user!r} is no name of a user", advice="write the one in address: ops@.."
        )
    rule = f"{user} ALL=(root) NOPASSWD: {PROGRAM}"
    draft, place = f"/etc/sudoers.d/.planner-{user}", f"/etc/sudoers.d/planner-{user}"
    lines = (
        "#!/bin/sh",
        f"# Lets {user} run planner's own scripts as root on this host, and nothing else as root.",
        "# Run it as root; again when planner is newer.",
        "set -eu",
        "umask 077",
        f"cat >{PROGRAM}.new <<'PLANNER-HOST'",
        f"{helper_text()}PLANNER-HOST",
        f"chown root:root {PROGRAM}.new",
        f"chmod 0755 {PROGRAM}.new",
        f"mv -T {PROGRAM}.new {PROGRAM}",
        # sudo leaves files alone whose names hold a dot: a wrong rule never counts
        f"echo '{rule}' >{draft}",
        f"chmod 0440 {draft}",
        f"visudo --check --quiet --file={draft}",
        f"mv -T {draft} {place}",
        f"echo 'done; in the blueprint: {{address: {user}@<this host>, helper: true}}'",
    )
    return "\n".join(lines) + "\n"


def _digest(text: str) -> str:
    """As the program computes it: a shell loses line breaks at the end."""
    return hashlib.sha256(text.rstrip("\n").encode()).hexdigest()
