"""First fit: the first host, in the order written, that has room for a replica.

The one place that prefers one host to another; a solver can take its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from planner.farm import FarmModel
from planner.placement.attempt import Attempt, Sizer, on_cpu, on_gpu
from planner.placement.ledger import Ledger
from planner.room import Room
from planner.units import gib


@dataclass(frozen=True, slots=True)
class Search:
    """``found`` is the attempt that fits, with its ``reason``; ``tried`` all that did not."""

    found: Attempt | None
    reason: str
    tried: tuple[Attempt, ...]


def first_fit(
    model: FarmModel, rooms: Iterable[Room], ledger: Ledger, size: Sizer, pinned: bool
) -> Search:
    """Try hosts in order, with GPUs first and from RAM alone only when no GPU has room."""
    tried: list[Attempt] = []
    for attempt in _attempts(model, tuple(rooms), ledger, size):
        if attempt.fits:
            return Search(attempt, _reason(attempt, ledger, pinned), tuple(tried))
        tried.append(attempt)
    return Search(None, "", tuple(tried))


def _attempts(
    model: FarmModel, rooms: tuple[Room, ...], ledger: Ledger, size: Sizer
) -> Iterator[Attempt]:
    for room in rooms:
        yield from on_gpu(model, room, ledger, size)
    for room in rooms:
        yield from on_cpu(model, room, ledger, size)


def _reason(attempt: Attempt, ledger: Ledger, pinned: bool) -> str:
    """Why it is here. Read before the ledger takes it, so that "free" is what was found."""
    host = attempt.room.host.name
    if pinned:
        spilled = attempt.room.cards and not attempt.cards
        return f"on: {host}, as written" + (" (from RAM: no card has room)" if spilled else "")
    if not attempt.cards:
        free = ledger.free_ram(host)
        shown = "RAM of unknown size" if free is None else f"{gib(free)} of RAM free"
        return f"first host with {shown}: {host}"
    free = min(ledger.free_card(card) for card in attempt.cards)
    kind, count = attempt.cards[0].device.device.id, len(attempt.cards)
    cards = f"one {kind}" if count == 1 else f"each of {count} equal {kind}"
    return f"first host with {gib(free)} free on {cards}: {host}"
