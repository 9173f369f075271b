"""The farm's network: one bridge, and per host a namespace with one cable to the bridge."""

from __future__ import annotations

import json
from pathlib import Path

from tests.farm.commands import run
from tests.farm.layout import (
    BRIDGE,
    GATEWAY,
    LINK_PREFIX,
    NAMESPACE_PREFIX,
    PREFIX_LENGTH,
    address_of,
    link_of,
    namespace_of,
)

_NETNS = Path("/run/netns")
_SYS_NET = Path("/sys/class/net")


def namespace_path(name: str) -> Path:
    """The file that stands for the host's network namespace."""
    return _NETNS / namespace_of(name)


def create_bridge() -> None:
    """Make the bridge that all hosts plug into, unless it is there."""
    if has_bridge():
        return
    run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "address", "add", f"{GATEWAY}/{PREFIX_LENGTH}", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])


def has_bridge() -> bool:
    """Whether the bridge is there."""
    return (_SYS_NET / BRIDGE).exists()


def create_host(name: str) -> None:
    """Make the host's namespace, fresh, with eth0 at the host's address and a default route."""
    remove_host(name)
    namespace, link = namespace_of(name), link_of(name)
    run(["ip", "netns", "add", namespace])
    run(["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace])
    run(["ip", "link", "set", link, "master", BRIDGE, "up"])
    inside = ["ip", "-n", namespace]
    run([*inside, "address", "add", f"{address_of(name)}/{PREFIX_LENGTH}", "dev", "eth0"])
    # A host keeps its card's address over boots, so that neighbours' caches stay true.
    run([*inside, "link", "set", "eth0", "address", _card_address(name)])
    run([*inside, "link", "set", "lo", "up"])
    run([*inside, "link", "set", "eth0", "up"])
    run([*inside, "route", "add", "default", "via", GATEWAY])


def _card_address(name: str) -> str:
    """A MAC address of the range for private use, made of the host's IPv4 address."""
    return ":".join(["02", "00", *(f"{int(byte):02x}" for byte in address_of(name).split("."))])


def remove_host(name: str) -> None:
    """Remove the host's cable and namespace, as far as they exist."""
    if (_SYS_NET / link_of(name)).exists():
        run(["ip", "link", "delete", link_of(name)], check=False)
    if namespace_path(name).exists():
        run(["ip", "netns", "delete", namespace_of(name)], check=False)


def remove_bridge() -> None:
    """Remove the bridge if it is there."""
    if has_bridge():
        run(["ip", "link", "delete", BRIDGE], check=False)


def cut(name: str) -> None:
    """Pull the host's cable: packets are lost both ways, connections hang."""
    run(["ip", "link", "set", link_of(name), "down"])


def mend(name: str) -> None:
    """Plug the host's cable in again."""
    run(["ip", "link", "set", link_of(name), "up"])


def is_cut(name: str) -> bool:
    """Whether the host's cable is pulled."""
    shown = run(["ip", "-json", "link", "show", "dev", link_of(name)]).stdout
    return "UP" not in json.loads(shown)[0]["flags"]


def leftover_names() -> set[str]:
    """Hosts that have a namespace or a cable on this machine."""
    namespaces = (entry.name for entry in _NETNS.glob(f"{NAMESPACE_PREFIX}farm*"))
    links = (entry.name for entry in _SYS_NET.glob(f"{LINK_PREFIX}farm*"))
    return {name.partition("-")[2] for name in (*namespaces, *links)}
