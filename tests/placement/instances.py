"""Random placement problems as plain numbers, from a seed: small to enumerate, or large."""

from __future__ import annotations

from random import Random

from planner.placement.instance import CardState, Group, Instance, Option, Site


def small(seed: int) -> Instance:
    """At most three hosts with at most three cards, and at most five replicas."""
    dice = Random(seed)
    pools: dict[str, int] = {}
    sites: list[Site] = []
    for number in range(dice.randint(1, 3)):
        name = f"h{number}"
        pools[f"{name}.ram"] = dice.randint(4, 40)
        pools[f"{name}.disk"] = dice.randint(8, 60)
        ram = [f"{name}.ram"]
        if sites and dice.random() < 0.2:
            ram.append(f"{sites[0].name}.ram")  # a VM of unknown size draws on its parent too
        slots = tuple(
            tuple(_card(dice, f"{name}/{slot}/{card}", room) for card in range(count))
            for slot, (count, room) in enumerate(_slots(dice))
        )
        if slots and sites and sites[0].slots and dice.random() < 0.15:
            slots = (sites[0].slots[0], *slots[1:])  # a card that a host and its VM both list
        sites.append(
            Site(
                name,
                kind=number,
                cost=dice.choice([0, 0, 30, 50, 80]),
                slots=slots,
                pools={"ram": tuple(ram), "disk": (f"{name}.disk",)},
                machine=dice.choice(["m0", "m1"]),
                ports=frozenset({80} if dice.random() < 0.1 else ()),
                stored=frozenset({"w0"} if dice.random() < 0.1 else ()),
                families=frozenset({"f0"} if dice.random() < 0.1 else ()),
            )
        )
    groups, left = [], dice.randint(1, 5)
    while left > 0:
        count = dice.randint(1, min(left, 3))
        left -= count
        groups.append(_group(dice, len(groups), count, sites))
    return Instance(tuple(sites), pools, tuple(groups))


def _slots(dice: Random) -> list[tuple[int, int]]:
    return [(dice.randint(1, 3 - n), dice.randint(8, 24)) for n in range(dice.randint(0, 2))]


def _card(dice: Random, key: str, room: int) -> CardState:
    if dice.random() < 0.1:
        return CardState(key, dice.randint(0, room), True, frozenset({"f0"}))
    return CardState(key, room)


def _group(dice: Random, number: int, count: int, sites: list[Site]) -> Group:
    names = [site.name for site in sites]
    files = ((f"w{number}", dice.randint(1, 25)),)
    port = 80 if dice.random() < 0.1 else None
    options = {site.kind: _options(dice, site, files, port) for site in sites}
    chosen = frozenset(dice.sample(names, dice.randint(1, len(names))))
    return Group(
        f"g{number}",
        dice.choice([f"f{number}", "f0"]),
        count,
        options,
        sites=chosen if dice.random() < 0.3 else None,
        near=frozenset({"m0"}) if dice.random() < 0.3 else None,
        running={dice.choice(names): dice.randint(1, count)} if dice.random() < 0.3 else {},
    )


def _options(
    dice: Random, site: Site, files: tuple[tuple[str, int], ...], port: int | None
) -> tuple[Option, ...]:
    found = []
    for slot, cards in enumerate(site.slots):
        for _ in range(dice.randint(0, 2)):
            found.append(
                Option(
                    slot,
                    dice.randint(1, len(cards)),
                    dice.randint(2, 20),
                    dice.random() < 0.5,
                    {"ram": dice.randint(0, 8)},
                    files,
                    port,
                    dice.choice([0, 400, 700, 1000]),
                    dice.randint(0, 1000),
                )
            )
    if not found or dice.random() < 0.5:
        ram = {"ram": dice.randint(2, 25)}
        found.append(Option(None, 0, 0, False, ram, files, port, dice.choice([0, 100]), 500))
    return tuple(found)
