"""Chooses the road to a host."""

from __future__ import annotations

from planner.remote.address import HostAddress
from planner.remote.transport import Transport


def connect(address: HostAddress) -> Transport:
    """A connection to ``address``. Raises HostUnreachable, TrustRefused or UsageError."""
    if address.is_local:
        from planner.remote.local import LocalTransport

        return LocalTransport()
    from planner.remote import ssh

    return ssh.connect(address)
