"""An answer is read whole, also where closing the link loses what is still on its way."""

from __future__ import annotations

import io

from planner.remote.http import ask
from planner.remote.transport import HttpRequest

ANSWER = b"HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nready"


class Channel:
    """A link that, like an SSH channel, gives nothing any more once it is closed."""

    def __init__(self) -> None:
        self.sent = b""
        self.closed = False

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def makefile(self, mode: str, buffering: int = -1) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self), 1)

    def close(self) -> None:
        self.closed = True


class _Reading(io.RawIOBase):
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._left = ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if self._channel.closed:
            return 0
        count = min(len(buffer), len(self._left), 8)
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def test_the_body_is_read_before_the_link_is_closed() -> None:
    answer = ask(Channel(), HttpRequest(8080, "/health"))
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"ready")
