"""One HTTP exchange over a socket that is already connected."""

from __future__ import annotations

import http.client
import socket
from typing import cast

from planner.remote.transport import HttpAnswer, HttpRequest

LIMIT = 1 << 20


class _Lasting:
    """A link that http.client cannot close before the answer's body was read.

    It closes its socket as soon as it has the headers, and reads the body from a file that keeps a
    real socket open; an SSH channel would be gone, with whatever of the body is still on its way.
    """

    def __init__(self, link: object) -> None:
        self._link = link

    def __getattr__(self, name: str) -> object:
        return getattr(self._link, name)

    def close(self) -> None:
        """Nothing: who made the link closes it."""


class _Connected(http.client.HTTPConnection):
    """An HTTP connection that is given its socket instead of making one."""

    def __init__(self, link: object, request: HttpRequest) -> None:
        super().__init__(request.address, request.port)
        # an SSH channel has the four methods of a socket that http.client calls
        self.sock = cast(socket.socket, _Lasting(link))

    def connect(self) -> None:
        """Already connected."""


def ask(link: object, request: HttpRequest) -> HttpAnswer | None:
    """Send ``request`` over ``link`` and read the answer; None when there is no proper one."""
    connection = _Connected(link, request)
    headers = {"Connection": "close", "User-Agent": "planner"}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    if request.key is not None:
        headers["Authorization"] = f"Bearer {request.key.reveal().decode().strip()}"
    try:
        connection.request(
            request.method,
            request.path,
            body=None if request.body is None else request.body.encode(),
            headers=headers,
        )
        answer = connection.getresponse()
        return HttpAnswer(answer.status, answer.read(LIMIT))
    except (OSError, EOFError, http.client.HTTPException):
        return None
    finally:
        connection.close()
