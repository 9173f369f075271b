"""One model over many cards, or a copy on each: every layout of a host's equal cards, sized.

For models whose blueprint leaves the number of cards open. Total speed is that of one reader a
copy: a layout with more copies also serves more readers at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from planner.diagnostics import has_errors
from planner.farm import FarmHost, FarmModel, HostDevice, Placed
from planner.placement.attempt import Sizer, card_counts, equal_cards
from planner.room import Card
from planner.sizing.values import SizeReport
from planner.units import gib


@dataclass(frozen=True, slots=True)
class Layout:
    """``copies`` of a model, each cut over ``cards`` cards of one kind.

    ``max_context`` is the longest request of one copy, ``each`` and ``total`` expected tokens a
    second of one reader and of one reader a copy. ``fault`` says why it does not work.
    """

    cards: int
    copies: int
    max_context: int | None = None
    kv_tokens: int | None = None
    each: float | None = None
    total: float | None = None
    fault: str | None = None

    @property
    def works(self) -> bool:
        """Whether the model runs so."""
        return self.fault is None


@dataclass(frozen=True, slots=True)
class Layouts:
    """The layouts of one model on one host, those with the most copies first."""

    model: str
    host: str
    device: str
    context: int | None
    layouts: tuple[Layout, ...]


def layouts(placed: Iterable[Placed], size: Sizer) -> tuple[Layouts, ...]:
    """A comparison for each model and host with several equal cards where it could be laid out
    in more than one way."""
    found: list[Layouts] = []
    for replica in placed:
        model, spec = replica.model._replace(memory_share=None), replica.model.spec
        if spec.tensor_parallel or spec.pipeline_parallel or not replica.devices:
            continue
        key = (model.name, replica.host.name)
        if all((item.model, item.host) != key for item in found):
            found += list(_on_host(model, replica, size))
    return tuple(found)


def _on_host(model: FarmModel, replica: Placed, size: Sizer) -> Iterator[Layouts]:
    host = replica.host
    cards = tuple(Card(str(d.index), d, d.memory_bytes) for d in host.devices)
    own = {device.index for device in replica.devices}
    for group in equal_cards(cards):
        if len(group) < 2 or not own & {card.device.index for card in group}:
            continue
        devices = tuple(card.device for card in group)
        every = [
            _layout(model, host, devices, count, size)
            for count in card_counts(model, len(devices))
            if len(devices) % count == 0
        ]
        if len(every) > 1:
            kind = devices[0].device.id
            yield Layouts(model.name, host.name, kind, model.context, tuple(every))


def _layout(
    model: FarmModel, host: FarmHost, devices: tuple[HostDevice, ...], count: int, size: Sizer
) -> Layout:
    copies = len(devices) // count
    report = size(model, host, devices[:count])
    if not report.fits or has_errors(report.diagnostics):
        return Layout(count, copies, report.max_context, fault=_fault(report, model))
    each = report.decode.expected if report.decode else None
    return Layout(
        count,
        copies,
        report.max_context,
        report.kv_capacity_tokens,
        each,
        None if each is None else each * copies,
    )


def _fault(report: SizeReport, model: FarmModel) -> str:
    """What fails: memory by how much, the context, or what sizing says."""
    lacking = max((-device.free_bytes for device in report.devices), default=0)
    if lacking > 0:
        return f"each card lacks {gib(lacking)}"
    longest = report.max_context
    if longest is not None and model.context and longest < model.context:
        return f"holds {longest:,} tokens of {model.context:,}" if longest else "no room for KV"
    errors = [item.summary for item in report.diagnostics if item.severity.value == "error"]
    return errors[0] if errors else "does not fit"
