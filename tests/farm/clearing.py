"""Removes every trace of a farm, found by what is there and not by what was written down."""

from __future__ import annotations

from tests.farm import cgroups, claim, disk, machine, mounts, network
from tests.farm.at_once import for_all
from tests.farm.layout import Layout, number_of


def clear(layout: Layout) -> list[str]:
    """End and remove all hosts, the bridge and what is remembered; the names of hosts removed.

    Where nothing is left it does nothing. The caller holds the lock.
    """
    names = sorted(set(cgroups.names()) | network.leftover_names() | set(host_names(layout)))
    for_all(names, lambda name: _remove(layout, name))
    network.remove_bridge()
    layout.known_hosts.unlink(missing_ok=True)
    claim.forget()
    return names


def traces(layout: Layout) -> list[str]:
    """All that a farm has left on this machine, in words; empty when there is nothing."""
    found = [f"control group of {name}" for name in cgroups.names()]
    found += [f"network of {name}" for name in sorted(network.leftover_names())]
    found += ["bridge"] if network.has_bridge() else []
    found += [f"mount {point}" for point in mounts.mounted_below(layout.hosts)]
    found += [f"disk of {name}" for name in host_names(layout)]
    return found + (["claim"] if claim.current() else [])


def host_names(layout: Layout) -> list[str]:
    """Hosts that have a disk, in the order of their numbers."""
    if not layout.hosts.is_dir():
        return []
    return sorted((entry.name for entry in layout.hosts.iterdir()), key=number_of)


def _remove(layout: Layout, name: str) -> None:
    machine.power_off(layout, name)
    disk.remove(layout, name)
