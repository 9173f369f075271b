"""Which hosts something runs on: a rented one that nothing needs costs nothing."""

from __future__ import annotations

from planner.farm import Farm, Placement


def in_use(farm: Farm, placement: Placement | None) -> frozenset[str]:
    """The hosts with something on them or in a VM of theirs.

    All of them where that is not known: without a placement, or without a model to place.
    """
    if placement is None or not farm.models:
        return frozenset(host.name for host in farm.hosts)
    within = {host.name: host.spec.within for host in farm.hosts}
    found: set[str] = set()
    for name in {replica.host.name for replica in placement.replicas} | farm.hosts_beside:
        each: str | None = name
        while each in within and each not in found:
            found.add(each)
            each = within[each]
    return frozenset(found)
