"""One way to ask a server over HTTP: deadlines, a size limit, and failures in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from planner.errors import BlueprintInvalid, UsageError

if TYPE_CHECKING:
    import requests

_SECONDS: Final = (10, 30)


def ask(
    url: str, *, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> requests.Response:
    """The server's answer, whatever its status. Raises UsageError when there is none."""
    import requests

    try:
        return requests.request(method, url, headers=dict(headers or {}), timeout=_SECONDS)
    except requests.RequestException as fault:
        raise UsageError(
            "the server does not answer",
            where=url,
            cause=str(fault.__cause__ or fault),
            advice="check the network, or the address",
        ) from fault


def ask_range(
    url: str, offset: int, length: int, *, headers: Mapping[str, str] | None = None
) -> bytes:
    """``length`` bytes of a file from ``offset``, fewer where it ends; nothing more is taken.

    A server that ignores ranges is read from its start and left as soon as the bytes are there.
    Raises BlueprintInvalid when the server refuses, UsageError when there is no answer.
    """
    import requests

    wanted = {**(headers or {}), "Range": f"bytes={offset}-{offset + length - 1}"}
    try:
        with requests.get(url, headers=wanted, timeout=_SECONDS, stream=True) as answer:
            if answer.status_code == 416:  # the file ends before offset
                return b""
            if answer.status_code not in (200, 206):
                raise BlueprintInvalid(
                    "the server does not give the file",
                    where=url,
                    cause=f"it answers {answer.status_code}",
                )
            skip = offset if answer.status_code == 200 else 0
            return _first_bytes(answer, skip + length)[skip:]
    except requests.RequestException as fault:
        raise UsageError(
            "the server does not answer",
            where=url,
            cause=str(fault.__cause__ or fault),
            advice="check the network, or the address",
        ) from fault


def _first_bytes(answer: requests.Response, count: int) -> bytes:
    data = bytearray()
    for chunk in answer.iter_content(64 * 1024):
        data += chunk
        if len(data) >= count:
            break
    return bytes(data[:count])
