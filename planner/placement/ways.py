"""Every way a replica could run on a host that is otherwise empty, sized.

On as few equal cards as hold it, on a card shared with others when its engine's reservation can be
capped, or from RAM alone. Equal hosts are asked once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from planner.blueprint.schema import Task
from planner.diagnostics import has_errors
from planner.engines.registry import find_engine
from planner.farm import FarmModel
from planner.placement.attempt import Sizer, card_counts, equal_cards
from planner.placement.context import with_shorter_context
from planner.placement.demand import Demand, capped, demand, needs_gpu, runs_on
from planner.room import Card, Room
from planner.sizing.values import SizeReport

_STEP: Final = 0.01  # shares are rendered in hundredths
_WORTH: Final = 0.9  # a cap that leaves less than a tenth of the card to others is none


@dataclass(frozen=True, slots=True)
class Way:
    """One way: the model as it was sized, on ``count`` cards of group ``slot`` (None: in RAM)."""

    model: FarmModel
    report: SizeReport
    demand: Demand
    slot: int | None
    count: int
    ram_bytes: int | None

    @property
    def whole(self) -> bool:
        """Whether it needs its cards to itself."""
        return any(claim.whole for claim in self.demand.cards)

    @property
    def card_bytes(self) -> int:
        """The most it takes of one card."""
        return max((claim.bytes for claim in self.demand.cards), default=0)

    @property
    def speed(self) -> float:
        """Expected tokens a second of one request; 0 where nobody waits for them, or unknown."""
        decode = self.report.decode
        return decode.expected if decode and self.model.spec.task is Task.CHAT else 0.0

    @property
    def headroom(self) -> int:
        """Thousandths of the tightest device that one full context would leave free.

        A pool that reaches beyond one context counts as free, and nothing of a card that it shares
        under a cap. RAM of unknown size counts half.
        """
        if self.model.memory_share is not None:
            return 0
        if not self.report.devices:
            return self._ram_headroom()
        report, context = self.report, self.model.context
        spare = 0.0
        if context and report.kv_capacity_tokens:
            spare = max(0.0, 1 - context / report.kv_capacity_tokens)
        shares = []
        for device in report.devices:
            pool = sum(term.bytes for term in device.terms if term.name == "kv_cache")
            free = device.free_bytes + pool * spare
            shares.append(free / device.total_bytes if device.total_bytes else 0.0)
        return max(0, min(1000, int(1000 * min(shares)))) if shares else 500

    def _ram_headroom(self) -> int:
        if not self.ram_bytes:
            return 500
        return max(0, 1000 - 1000 * self.report.host.used_bytes // self.ram_bytes)


def kind_of(room: Room) -> tuple[object, ...]:
    """Equal for hosts on which every replica takes the same."""
    host = room.host
    cards = tuple((c.device.device.id, c.device.memory_bytes, c.room_bytes) for c in room.cards)
    return (host.cpu.id if host.cpu else None, host.spec.sockets, host.ram_bytes, cards)


def ways(model: FarmModel, room: Room, size: Sizer) -> tuple[Way, ...]:
    """The ways that fit an empty host of that kind; none when nothing does."""
    found: list[Way] = []
    if model.spec.gpu_layers != 0:
        for slot, cards in enumerate(equal_cards(room.cards)):
            usable = tuple(card for card in cards if runs_on(model, card))
            found += _on_cards(model, room, slot, usable, size)
    if not needs_gpu(model):
        found += _sized(model, room, None, (), size)
    return tuple(found)


def _on_cards(
    model: FarmModel, room: Room, slot: int, cards: tuple[Card, ...], size: Sizer
) -> Iterable[Way]:
    for count in card_counts(model, len(cards)):
        if count > len(cards):
            return ()
        every = _sized(model, room, slot, cards[:count], size)
        found = tuple(way for way in every if _within(way))
        if every:
            found += _capped(every[0], room, cards[:count], size)
        if found:
            return found
    return ()


def _sized(
    model: FarmModel, room: Room, slot: int | None, cards: tuple[Card, ...], size: Sizer
) -> tuple[Way, ...]:
    devices = tuple(card.device for card in cards)
    report = size(model, room.host, devices)
    if not report.fits:
        shorter = with_shorter_context(model, report)
        if shorter is not None:
            model, report = shorter, size(shorter, room.host, devices)
    if not report.fits or has_errors(report.diagnostics):
        return ()
    wanted = demand(model, cards, report)
    return (Way(model, report, wanted, slot, len(cards), room.ram_bytes),)


def _within(way: Way) -> bool:
    """Whether it leaves free what is to be kept free."""
    return all(claim.bytes <= claim.card.room_bytes for claim in way.demand.cards)


def _capped(way: Way, room: Room, cards: tuple[Card, ...], size: Sizer) -> tuple[Way, ...]:
    """The same with no more of the card than one full context needs, where that saves a tenth."""
    engine = find_engine(way.model.engine)
    context, capacity = way.model.context, way.report.kv_capacity_tokens
    if engine is None or not engine.reserves or capped(way.model) or not context or not capacity:
        return ()
    total = min(device.total_bytes for device in way.report.devices)
    pool = max(
        sum(term.bytes for term in device.terms if term.name == "kv_cache")
        for device in way.report.devices
    )
    least = way.card_bytes - pool + pool * context // capacity
    share = round(least / total + _STEP, 2)
    for step in range(4):
        asked = way.model._replace(memory_share=round(share + step * _STEP, 2))
        found = _sized(asked, room, way.slot, cards, size)
        if found and found[0].card_bytes > _WORTH * total:
            return ()
        if found and found[0].card_bytes < way.card_bytes:
            return found if _within(found[0]) else ()
    return ()
