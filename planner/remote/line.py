"""A session's socket or channel that remembers when the peer was last heard."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import socket

    import paramiko

ASK_SECONDS: Final = 5  # between two questions to a peer that says nothing by itself
SILENT_SECONDS: Final = 20.0  # a peer that answers none of them for so long is gone
_GLOBAL_REQUEST: Final = b"\x50"


class Line:
    """What paramiko reads from and writes to. Every byte that comes is a sign of life.

    TCP alone cannot tell that a peer is gone: a host whose sshd hangs still acknowledges packets.
    """

    def __init__(self, link: socket.socket | paramiko.Channel) -> None:
        self.link = link
        self._heard = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        """How long the peer has said nothing."""
        return time.monotonic() - self._heard

    def recv(self, size: int) -> bytes:
        """Read, as a socket does."""
        data = self.link.recv(size)
        self._heard = time.monotonic()
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.link, name)


def keep_asking(session: paramiko.Transport) -> None:
    """Ask the peer every few seconds for an answer that means nothing but that it is there.

    paramiko's own question wants no answer, so that nobody would notice when none comes.
    """
    import paramiko

    def ask() -> None:
        message = paramiko.Message()
        message.add_byte(_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)
        session._send_user_message(message)  # type: ignore[attr-defined]

    session.packetizer.set_keepalive(ASK_SECONDS, ask)
