"""Placement of large farms: the gap to the proven bound, first-fit decreasing, seconds.

    python benchmarks/placement.py            200 hosts x 1,000 replicas, 1,000 hosts x 5,000
    python benchmarks/placement.py 100 400    your own numbers of hosts and replicas
    python benchmarks/placement.py 200 1000 3 another farm of that size: seed 3 instead of 1

Farms are random from a fixed seed: own machines with 1 to 8 cards of four kinds, CPU nodes, and
rented machines that cost money when they are used.
"""

from __future__ import annotations

import resource
import sys
import time
from random import Random
from typing import Any

from planner.placement.greedy import first_fit_decreasing
from planner.placement.instance import (
    CardState,
    Group,
    Instance,
    Level,
    Option,
    Site,
    score,
)

GIB = 1024  # the instance counts MiB
# name, MiB a card, cards, RAM in GiB, hundredths a month, share of the hosts
KINDS: list[tuple[str, int, int, int, int, float]] = [
    ("own-8x4090", 24564, 8, 256, 0, 0.10),
    ("own-4x3090", 24576, 4, 128, 0, 0.15),
    ("own-2x48", 49140, 2, 128, 0, 0.10),
    ("cpu", 0, 0, 256, 0, 0.05),
    ("rent-1x4090", 24564, 1, 48, 50370, 0.25),
    ("rent-2x4090", 24564, 2, 96, 100740, 0.10),
    ("rent-4xa100", 81920, 4, 480, 438000, 0.10),
    ("rent-1xh100", 81559, 1, 188, 218270, 0.15),
]
SPEED = {24564: 100, 24576: 85, 49140: 80, 81920: 160, 81559: 250, 0: 12}


def farm(hosts: int, replicas: int, models: int = 60, seed: int = 1) -> Instance:
    """A farm of that size; hosts of one kind are equal, as bought or rented machines are."""
    dice = Random(seed)
    pools: dict[str, int] = {}
    sites: list[Site] = []
    shares = [share for *_, share in KINDS]
    kinds = dice.choices(range(len(KINDS)), shares, k=hosts)
    for number, kind in enumerate(kinds):
        label, memory, cards, ram, cost, _ = KINDS[kind]
        name = f"{label}-{number}"
        pools[f"{name}/ram"] = ram * GIB
        slot = tuple(CardState(f"{name}/{card}", memory) for card in range(cards))
        slots = (slot,) if cards else ()
        roles = {"ram": (f"{name}/ram",)}
        sites.append(Site(name, kind, cost, slots, roles, name))
    counts = [1] * models
    for _ in range(replicas - models):
        counts[min(dice.randrange(models), dice.randrange(models))] += 1
    groups = [_group(dice, number, count) for number, count in enumerate(counts)]
    return Instance(tuple(sites), pools, tuple(groups))


def _group(dice: Random, number: int, count: int) -> Group:
    """A model of 1 to 60 GiB: sharing a card, on a whole one, on several, or from RAM."""
    need = round(dice.choice([1, 2, 4, 6, 9, 13, 17, 20, 38]) * GIB * dice.uniform(0.9, 1.1))
    whole, interactive = dice.random() < 0.3, dice.random() < 0.7
    options: dict[int, tuple[Option, ...]] = {}
    for kind, (_, memory, cards, _, _, _) in enumerate(KINDS):
        found = []
        for cut in (1, 2, 4):
            part = -(-need // cut) + (600 if cut > 1 else 0)
            if cut <= cards and part <= memory:
                speed = round(1000 * SPEED[memory] / 250) if interactive else 0
                alone = whole or cut > 1
                free = 1000 * (memory - part) // memory
                found.append(Option(0, cut, part, alone, {"ram": 2 * GIB}, (), None, speed, free))
                break
        if not cards and not whole:
            ram = need + GIB
            speed = 48 if interactive else 0
            free = 1000 - 1000 * ram // (256 * GIB)
            found.append(Option(None, 0, 0, False, {"ram": ram}, (), None, speed, free))
        options[kind] = tuple(found)
    return Group(f"m{number}", f"m{number}", count, options)


def run(hosts: int, replicas: int, seed: int = 1) -> None:
    """Solve one farm and print a line a level."""
    from planner.placement.cpsat import solve as cpsat
    from planner.placement.solve import solve

    instance = farm(hosts, replicas, seed=seed)
    began = time.perf_counter()
    greedy = score(instance, first_fit_decreasing(instance))
    between, work = time.perf_counter(), time.process_time()
    found = solve(instance, cpsat)
    took, work = time.perf_counter() - between, time.process_time() - work
    reached: Any = score(instance, found.spots)
    print(f"{hosts} hosts x {replicas} replicas: {took:.1f} s, {work:.1f} s of one core ", end="")
    print(f"(first-fit decreasing {between - began:.2f} s), ", end="")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    for proof in found.proofs:
        name, place = proof.level.name.lower(), proof.level
        print(f"  {name:9} {reached[place]:>12,}  bound {proof.bound:>12,}  ", end="")
        print(f"gap {100 * proof.gap:6.2f} %  first-fit decreasing {greedy[place]:>12,}")
    better = reached[: Level.ORDER] <= greedy[: Level.ORDER]
    print(f"  never worse than first-fit decreasing: {'yes' if better else 'NO'}")


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:4]]
    for each in [numbers] if len(numbers) > 1 else [[200, 1000], [1000, 5000]]:
        run(*each)
