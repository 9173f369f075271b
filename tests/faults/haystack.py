"""Searches for planted secrets: as they are, and as programs spell bytes."""

from __future__ import annotations

import base64
import json
import secrets
import shlex
import subprocess
import urllib.parse
from collections.abc import Iterable, Mapping
from pathlib import Path


def needle(name: str) -> str:
    """A value that stands nowhere else by chance."""
    return f"{name}-{secrets.token_hex(16)}"


def spellings(value: str) -> set[bytes]:
    """The value in every spelling that could give it away, its longest line at least."""
    core = max(value.splitlines(), key=len)
    raw = core.encode()
    found = {raw, raw.hex().encode(), raw[::-1]}
    # base64 of a text that holds it: three ways to be aligned, the ends left out
    for shift in range(3):
        code = base64.b64encode(b"\0" * shift + raw)
        found.add(code[4 : (len(code) // 4 - 1) * 4])
    found |= {json.dumps(core)[1:-1].encode(), urllib.parse.quote(core).encode()}
    found |= {shlex.quote(core).encode(), core.replace("$", "$$").encode()}
    return found


def in_texts(planted: Mapping[str, str], texts: Mapping[str, str | bytes]) -> list[str]:
    """Which planted secret stands in which text."""
    found = []
    for where, text in texts.items():
        raw = text.encode(errors="surrogateescape") if isinstance(text, str) else text
        found += [
            f"{name} in {where}"
            for name, value in planted.items()
            if any(spelling in raw for spelling in spellings(value))
        ]
    return found


def in_folders(planted: Mapping[str, str], folders: Iterable[Path]) -> list[Path]:
    """Every file below the folders that holds a planted secret, in its content or its name."""
    patterns = {spelling for value in planted.values() for spelling in spellings(value)}
    given = b"\n".join(patterns)
    found: set[Path] = set()
    for folder in folders:
        command = ["grep", "--recursive", "--files-with-matches", "--text", "--null"]
        command += ["--fixed-strings", "--devices=skip", "--file=-", "--", str(folder)]
        done = subprocess.run(command, input=given, capture_output=True, check=False)
        assert done.returncode in (0, 1, 2), done.stderr
        found |= {Path(part.decode()) for part in done.stdout.split(b"\0") if part}
        names = subprocess.run(["find", str(folder), "-print0"], capture_output=True, check=False)
        for part in names.stdout.split(b"\0"):
            if any(spelling in part for spelling in patterns):
                found.add(Path(part.decode(errors="surrogateescape")))
    return sorted(found)
