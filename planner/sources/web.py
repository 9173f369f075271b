"""One way to ask a server over HTTP: deadlines, a size limit, and failures in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from planner.errors import UsageError

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
