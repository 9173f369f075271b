"""One try of one replica on one host: every way its devices can be chosen there, sized and checked.

Knows nothing of which host is better; ``first_fit`` asks in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from planner.diagnostics import Severity, has_errors
from planner.farm import FarmHost, FarmModel, HostDevice
from planner.placement.context import with_shorter_context
from planner.placement.demand import Demand, demand, needs_gpu, runs_on, runs_on_cpu
from planner.placement.ledger import Ledger, Shortage
from planner.room import Card, Room
from planner.sizing.values import SizeReport
from planner.units import ceil_div, gib

Sizer = Callable[[FarmModel, FarmHost, tuple[HostDevice, ...]], SizeReport]
_NOTHING: Final = Demand()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it. ``refusal`` says why nothing was sized; else the report and the books.

    ``model`` is as it was tried: with a shorter context where the blueprint leaves that open.
    """

    model: FarmModel
    room: Room
    cards: tuple[Card, ...] = ()
    report: SizeReport | None = None
    demand: Demand = _NOTHING
    shortages: tuple[Shortage, ...] = ()
    refusal: str | None = None
    missing_bytes: int | None = None

    @property
    def fits(self) -> bool:
        """Whether the replica can run so: a report with an error does not, whatever its sums."""
        if self.report is None or self.shortages:
            return False
        return self.report.fits and not has_errors(self.report.diagnostics)

    @property
    def devices(self) -> tuple[HostDevice, ...]:
        """The cards as devices of the host."""
        return tuple(card.device for card in self.cards)


def on_gpu(model: FarmModel, room: Room, ledger: Ledger, size: Sizer) -> Iterator[Attempt]:
    """Every choice of equal cards on this host, fewest cards first, lazily.

    tensor_parallel x pipeline_parallel cards when either is written; else one card, then more:
    powers of two for engines that cut tensors, any number for those that cut between layers.
    """
    if model.spec.gpu_layers == 0:
        return
    groups = equal_cards(tuple(card for card in room.cards if runs_on(model, card)))
    counts = card_counts(model, max((len(group) for group in groups), default=0))
    for count in counts:
        for group in groups:
            for cards in _choices(group, count, ledger):
                yield _tried(model, room, cards, ledger, size)
    wanted = counts[0] if counts else 1
    if needs_gpu(model) and not any(len(group) >= wanted for group in groups):
        yield Attempt(model, room, refusal=_too_few(model, room, wanted))


def on_cpu(model: FarmModel, room: Room, ledger: Ledger, size: Sizer) -> Iterator[Attempt]:
    """The replica in RAM alone, where its engine can."""
    if not needs_gpu(model):
        yield _tried(model, room, (), ledger, size)


def equal_cards(cards: tuple[Card, ...]) -> list[tuple[Card, ...]]:
    """Cards of one kind and one size together, in the host's order."""
    groups: dict[tuple[str, int], list[Card]] = {}
    for card in cards:
        groups.setdefault((card.device.device.id, card.device.memory_bytes), []).append(card)
    return [tuple(group) for group in groups.values()]


def card_counts(model: FarmModel, most: int) -> tuple[int, ...]:
    """Numbers of cards to try, fewest first: as written, else powers of two for engines that cut
    tensors (heads must divide), else any number for engines that cut between layers."""
    spec = model.spec
    written = (spec.tensor_parallel or 1) * (spec.pipeline_parallel or 1)
    if written > 1 or spec.tensor_parallel:
        return (written,)
    if not runs_on_cpu(model):
        return tuple(count for count in (1, 2, 4, 8, 16) if count <= max(1, most))
    return tuple(range(1, most + 1))


def _choices(group: tuple[Card, ...], count: int, ledger: Ledger) -> Iterator[tuple[Card, ...]]:
    """For one card each in turn; for several the emptiest ones, in the host's order."""
    if len(group) < count:
        return
    if count == 1:
        yield from ((card,) for card in group)
        return
    emptiest = sorted(group, key=lambda card: (-ledger.free_card(card), card.device.index))
    yield tuple(sorted(emptiest[:count], key=lambda card: card.device.index))


def _tried(
    model: FarmModel, room: Room, cards: tuple[Card, ...], ledger: Ledger, size: Sizer
) -> Attempt:
    devices = tuple(card.device for card in cards)
    report = size(model, room.host, devices)
    if not report.fits:
        shorter = with_shorter_context(model, report)
        if shorter is not None and (fitting := size(shorter, room.host, devices)).fits:
            model, report = shorter, fitting
    wanted = demand(model, cards, report)
    lacking = ledger.shortages(room.host.name, wanted)
    missing = _missing(model, report, lacking)
    return Attempt(model, room, cards, report, wanted, lacking, None, missing)


def _missing(model: FarmModel, report: SizeReport, lacking: tuple[Shortage, ...]) -> int | None:
    """The most bytes that one device or the RAM lacks; None where bytes are not the reason."""
    short = [s.missing_bytes for s in lacking if s.missing_bytes is not None]
    if not report.fits:
        short += [-device.free_bytes for device in report.devices if device.free_bytes < 0]
        short += _missing_kv(model, report)
    return max(short, default=None)


def _missing_kv(model: FarmModel, report: SizeReport) -> list[int]:
    """Bytes per device that the KV pool is too small for one request of the full context."""
    each, has, wanted = report.kv_bytes_per_token, report.kv_capacity_tokens, model.context
    if each is None or has is None or wanted is None or has >= wanted:
        return []
    return [ceil_div((wanted - has) * each, max(1, len(report.devices)))]


def _too_few(model: FarmModel, room: Room, count: int) -> str:
    if not room.cards:
        return f"no GPU, and {model.name} needs one"
    kinds = ", ".join(f"{len(g)} x {g[0].device.device.id}" for g in equal_cards(room.cards))
    equal = f"{count} equal ones" if count > 1 else "one"
    return f"{kinds}, and {model.engine} needs {equal} it runs on"


def why_not(attempt: Attempt) -> str:
    """One line: what this host lacks for the replica."""
    if attempt.refusal is not None:
        return attempt.refusal
    if attempt.shortages:
        return ", ".join(map(str, attempt.shortages))
    if attempt.missing_bytes:
        return f"{_where(attempt)} lacks {gib(attempt.missing_bytes)}"
    findings = attempt.report.diagnostics if attempt.report else ()
    errors = [finding.summary for finding in findings if finding.severity is Severity.ERROR]
    return errors[0] if errors else f"does not fit {_where(attempt)}"


def _where(attempt: Attempt) -> str:
    if not attempt.cards:
        return "RAM"
    kind = attempt.cards[0].device.device.id
    if len(attempt.cards) == 1:
        return f"{kind} #{attempt.cards[0].device.index}"
    return f"each of {len(attempt.cards)} x {kind}"
