"""What a container may do that its compose file does not give it. Pure.

Somebody who starts it anew by hand can give it more and leave its labels as they are, so that no
plan would change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def beyond(given: Mapping[str, Any], service: Mapping[str, Any]) -> Iterator[str]:
    """One cause each: ``given`` is what Docker says of the container, ``service`` its entry in the
    compose file."""
    for port in sorted(_published(given) - _wanted_ports(service)):
        yield f"it is published at {port}, which its release does not say"
    for name in sorted(_plain(given.get("cap_add")) - _plain(service.get("cap_add"))):
        yield f"it has the capability {name}, which its release does not give"
    for name in sorted(_plain(service.get("cap_drop")) - _plain(given.get("cap_drop"))):
        what = "capabilities" if name == "ALL" else f"the capability {name}"
        yield f"it has not dropped {what}"
    for option in service.get("security_opt", ()):
        if option not in (given.get("security_opt") or ()):
            yield f"it runs without {option}"
    yield from _mounts(given, service)
    if "user" in service and given.get("user") != service["user"]:
        yield f"it runs as {given.get('user') or 'root'}, not as {service['user']}"
    if service.get("read_only") and not given.get("read_only"):
        yield "it may write into its root folder"
    for name, what in (("network_mode", "network"), ("pid", "processes")):
        if given.get(name) == "host" != service.get(name):
            yield f"it shares the {what} of the host"


def _published(given: Mapping[str, Any]) -> set[str]:
    """``address:port->port inside`` of each published port."""
    return {
        _port(row.get("HostIp"), row.get("HostPort"), inside.partition("/")[0])
        for inside, rows in (given.get("ports") or {}).items()
        for row in rows or ()
    }


def _wanted_ports(service: Mapping[str, Any]) -> set[str]:
    return {
        _port(row.get("host_ip"), row.get("published"), row.get("target"))
        for row in service.get("ports", ())
    }


def _port(address: object, published: object, inside: object) -> str:
    return f"{address or '0.0.0.0'}:{published}->{inside}"


def _plain(capabilities: Any) -> set[str]:
    return {str(name).removeprefix("CAP_") for name in capabilities or ()}


def _mounts(given: Mapping[str, Any], service: Mapping[str, Any]) -> Iterator[str]:
    """Files of the host that it sees: Docker may follow links, so it is the inside that is
    compared."""
    wanted = {row.get("target"): row for row in service.get("volumes", ())}
    for mount in given.get("mounts") or ():
        if mount.get("Type") != "bind":
            continue
        source, inside = mount.get("Source"), mount.get("Destination")
        if inside not in wanted:
            yield f"it sees {source} of the host as {inside}, which its release does not say"
        elif mount.get("RW") and wanted[inside].get("read_only"):
            yield f"it may write to {source} of the host"
