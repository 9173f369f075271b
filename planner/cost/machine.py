"""Which machine a host is a part of: what a VM costs and how it works is its parent's."""

from __future__ import annotations

from planner.farm import Farm, FarmHost


def root_of(host: FarmHost, farm: Farm) -> FarmHost:
    """The machine that a VM is within, through any number of others; itself when it is none."""
    seen = {host.name}
    while host.spec.within is not None and host.spec.within not in seen:
        try:
            host = farm.host(host.spec.within)
        except KeyError:
            break
        seen.add(host.name)
    return host
