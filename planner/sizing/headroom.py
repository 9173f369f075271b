"""How many more roles fit beside a model: adapters that its device and its host's RAM still hold.

Each further slot is sized like the first ones, so that the answer holds for every engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from planner.farm import Placed
from planner.sizing.engines_memory import ENGINES
from planner.sizing.engines_memory.groups import SLOTS
from planner.sizing.size import size
from planner.sizing.tiers import (
    EngineSetting,
    Switch,
    copy_bytes,
    engine_settings,
    host_terms,
    served_rank,
    switches,
)
from planner.sizing.values import SizeReport, SizeRequest

MOST: Final = 256


class Headroom(NamedTuple):
    """The adapters of one replica, and what is left for more of rank ``rank``.

    ``slot_bytes`` is one slot over all its devices, ``copy_bytes`` one copy in RAM.
    ``more_on_device`` keeps the context as it is; ``more_in_ram`` counts the host's free RAM. None
    is unknown, or that the engine serves none. ``tokens_per_slot`` is KV pool that a slot takes.
    """

    replica: str
    engine: str
    rank: int
    slots: int
    slot_bytes: int
    copy_bytes: int
    more_on_device: int | None
    more_in_ram: int | None
    tokens_per_slot: int | None
    settings: tuple[EngineSetting, ...] = ()
    switches: tuple[Switch, ...] = ()
    host_bytes: int = 0


def headroom(placed: Placed, request: SizeRequest, ram_left: int | None) -> Headroom | None:
    """The answer for one replica; ``ram_left`` is its host's RAM that nothing takes.

    None for an engine or model that carries no adapters.
    """
    engine = ENGINES.get(placed.model.engine)
    if engine is None or "adapters" not in engine.options or not request.architecture.causal:
        return None
    try:
        rank = served_rank(placed.model)
    except ValueError:
        return None  # said where tiers are checked
    asked = replace(request, adapter_rank=rank)
    slots = request.adapters or 0
    now, then = _sized(asked, slots), _sized(asked, slots + 1)
    slot = _adapters(then) - _adapters(now)
    copy = copy_bytes(asked, rank)
    generation = placed.devices[0].device.pcie_generation if placed.devices else None
    return Headroom(
        replica=placed.name,
        engine=placed.model.engine,
        rank=rank,
        slots=slots,
        slot_bytes=slot,
        copy_bytes=copy,
        more_on_device=_on_device(asked, slots),
        more_in_ram=_in_ram(placed, asked, ram_left, copy),
        tokens_per_slot=_tokens(now, then),
        settings=engine_settings(placed.model),
        switches=switches(placed.model, asked, generation.value if generation else None),
        host_bytes=sum(term.bytes for term in host_terms(placed.model, asked, _adapters(now))),
    )


def _sized(request: SizeRequest, slots: int) -> SizeReport:
    return size(replace(request, adapters=slots or None))


def _adapters(report: SizeReport) -> int:
    terms = (term for device in report.devices for term in device.terms)
    return sum(term.bytes for term in terms if term.name == "adapters")


def _tokens(now: SizeReport, then: SizeReport) -> int | None:
    if now.kv_capacity_tokens is None or then.kv_capacity_tokens is None:
        return None
    return max(0, now.kv_capacity_tokens - then.kv_capacity_tokens)


def _on_device(request: SizeRequest, slots: int) -> int | None:
    if not request.devices:
        return None
    return _more(lambda count: _sized(request, slots + count).fits)


def _more(fits: Callable[[int], bool]) -> int:
    """The largest count that fits, by halving; what fits less never fits more."""
    if not fits(1):
        return 0
    low, high = 1, 2
    while high <= MOST and fits(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return min(low, MOST)


def _in_ram(placed: Placed, request: SizeRequest, left: int | None, copy: int) -> int | None:
    copies = placed.model.engine in SLOTS or not request.devices
    if not copies or left is None or not copy:
        return None
    workers = (request.tp or 1) * (request.pp or 1)
    return max(0, left) // (copy * workers)
