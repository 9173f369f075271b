"""A problem without what stays where it is: its room is gone, its cards busy, its ports taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from planner.placement.instance import CardState, Instance, Spot


def reduced(instance: Instance, kept: Iterable[Spot]) -> Instance:
    """The instance that is left when the replicas of ``kept`` are not to be moved.

    Its groups, sites and options keep their positions, so that its spots go beside ``kept``.
    """
    pools = dict(instance.pools)
    counts = [group.count for group in instance.groups]
    memory: dict[str, int] = {}
    families: dict[str, set[str]] = {}
    sites = list(instance.sites)
    for spot in kept:
        group, site = instance.groups[spot.group], sites[spot.site]
        option = group.on(site)[spot.option]
        counts[spot.group] -= 1
        for role, amount in option.draws.items():
            for pool in site.pools.get(role, ()):
                pools[pool] -= amount
        new = sum(size for key, size in option.stored if key not in site.stored)
        for pool in site.pools.get("disk", ()):
            pools[pool] -= new
        for key in spot.cards:
            taken = 1 << 40 if option.whole else option.memory
            memory[key] = memory.get(key, 0) + taken
            families.setdefault(key, set()).add(group.family)
        sites[spot.site] = replace(
            site,
            cost=0,  # it is in use anyway
            ports=site.ports | ({option.port} if option.port is not None else set()),
            stored=site.stored | {key for key, _ in option.stored},
            families=site.families | {group.family},
        )
    for place, site in enumerate(sites):
        slots = tuple(tuple(_card(card, memory, families) for card in slot) for slot in site.slots)
        sites[place] = replace(site, slots=slots)
    groups = tuple(
        replace(group, count=count, running={})
        for group, count in zip(instance.groups, counts, strict=True)
    )
    return Instance(tuple(sites), pools, groups)


def _card(card: CardState, memory: dict[str, int], families: dict[str, set[str]]) -> CardState:
    if card.key not in memory:
        return card
    room = max(0, card.room - memory[card.key])
    return CardState(card.key, room, True, card.families | families[card.key])
