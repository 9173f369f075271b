"""What the terminal can show: colour, Unicode, width. Read once, then passed as a value."""

from __future__ import annotations

import os
import sys
from typing import Final, NamedTuple, TextIO

_CODES: Final = {
    "red": "31", "green": "32", "yellow": "33", "magenta": "35", "cyan": "36", "bold": "1",
    "dim": "2",
}  # fmt: skip


class Style(NamedTuple):
    """How to draw. ``width`` is at most 100 columns even on wide terminals."""

    color: bool = False
    unicode: bool = True
    width: int = 80

    def paint(self, text: str, *kinds: str) -> str:
        """``text`` in the named colours, or as it is where colour is off."""
        if not self.color or not text:
            return text
        codes = ";".join(_CODES[kind] for kind in kinds)
        return f"\x1b[{codes}m{text}\x1b[0m"


def stdout_style() -> Style:
    """How standard output can be drawn on."""
    return _style(sys.stdout)


def stderr_style() -> Style:
    """How standard error can be drawn on."""
    return _style(sys.stderr)


def _style(stream: TextIO) -> Style:
    tty = stream.isatty()
    color = tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    encoding = (getattr(stream, "encoding", None) or "ascii").lower()
    width = 80
    if tty:
        try:
            width = min(100, max(40, os.get_terminal_size(stream.fileno()).columns))
        except OSError:
            width = 80
    return Style(color, encoding.startswith("utf"), width)


def clean(text: str) -> str:
    """``text`` without control characters, so that no host can steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text
    )
