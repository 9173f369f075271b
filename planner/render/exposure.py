"""Who may reach a port: the host itself or a private network, and nobody else without a key."""

from __future__ import annotations

from typing import Final

from planner.blueprint.schema import Exposure
from planner.diagnostics import Diagnostic, error
from planner.farm import Placed

# Used between homes and clouds by overlay networks; Python counts it as neither private nor public.
_SHARED_SPACE: Final = "100.64.0.0/10"


def check_exposure(placed: Placed) -> tuple[Diagnostic, ...]:
    """Errors where a port would be open further than the blueprint may ask, or not as far."""
    host, expose = placed.host, placed.model.spec.expose
    path = ("models", placed.model.name, "expose")
    match expose:
        case Exposure.LOOPBACK:
            return ()
        case Exposure.PUBLIC:
            return (error("a model is open to everybody through the gateway alone, by its keys",
                          *path, value=expose.value, advice="take expose out here and write "
                          "gateway: {on: <host>, expose: public, domain: <name>}"),)  # fmt: skip
        case Exposure.LAN if host.listen is None:
            return (error(f"{host.name} has no private address to listen on", *path,
                          value=expose.value,
                          advice=f"write it: hosts.{host.name}.listen: 192.168.1.10"),)  # fmt: skip
        case Exposure.LAN:
            return check_address(host.name, host.listen or "")


def check_address(name: str, listen: str) -> tuple[Diagnostic, ...]:
    """Errors where what a host listens on is no private address."""
    import ipaddress

    path = ("hosts", name, "listen")
    try:
        address = ipaddress.ip_address(listen)
    except ValueError:
        return (error(f"{listen!r} is no IP address", *path, value=listen,
                      advice="write the host's own address in your network"),)  # fmt: skip
    shared = address.version == 4 and address in ipaddress.ip_network(_SHARED_SPACE)
    if shared or (address.is_private and not address.is_unspecified):
        return ()
    return (error(f"{listen} is no private address", *path, value=listen,
                  detail="everybody could use, or listen to, what answers there",
                  advice="write the host's own address in your network"),)  # fmt: skip
