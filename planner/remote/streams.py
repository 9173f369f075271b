"""Reads the two streams of a command that runs over SSH."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from planner.remote.transport import LineSink

if TYPE_CHECKING:
    import paramiko

_CHUNK: Final = 1 << 18


class Text:
    """Collects a stream's text and hands on its lines as they come."""

    def __init__(self, on_line: LineSink | None) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._parts: list[str] = []
        self._rest = ""
        self._on_line = on_line

    def add(self, data: bytes) -> None:
        """Take what was read."""
        text = self._decode(data)
        self._parts.append(text)
        if self._on_line is not None:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._on_line(line)

    def end(self) -> str:
        """All of it."""
        if self._on_line is not None and self._rest:
            self._on_line(self._rest)
        return "".join(self._parts)


def drain(
    channel: paramiko.Channel,
    out: Text,
    err: Text,
    deadline: float,
    hear: Callable[[], None],
) -> None:
    """Read both streams until the command closes them. Raises TimeoutError at the deadline, and
    what ``hear`` raises for a host that says nothing.

    Both share one window, so that neither may be left unread while the other is waited for.
    """
    open_ends = True
    while open_ends:
        try:
            data = channel.recv(_CHUNK)
            out.add(data)
            open_ends = bool(data)
        except TimeoutError:
            hear()
            if time.monotonic() > deadline:
                raise
        while channel.recv_stderr_ready():
            err.add(channel.recv_stderr(_CHUNK))
    while True:
        try:
            data = channel.recv_stderr(_CHUNK)
        except TimeoutError:
            hear()
            if time.monotonic() > deadline:
                raise
            continue
        if not data:
            return
        err.add(data)
