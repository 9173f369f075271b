"""An offer to rent for a model that does not fit here: the cheapest cards on which it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from planner.catalogue.device import Device
from planner.catalogue.reader import CatalogueReader
from planner.cost.age import AgeLimit
from planner.cost.offers import OfferRow, OfferWish, list_offers
from planner.cost.prices import Prices
from planner.diagnostics import Diagnostic, note
from planner.sizing.devices import accelerator
from planner.sizing.size import engine_of, size
from planner.sizing.values import SizeReport, SizeRequest
from planner.units import gib, tokens


def offer_to_rent(
    request: SizeRequest, prices: Prices, reader: CatalogueReader, today: date
) -> tuple[Diagnostic, ...]:
    """A note on the cheapest offer under which ``request`` fits unchanged; none without one."""
    cut = "tp" in engine_of(request.engine).options

    def fit(device: Device, count: int) -> SizeReport:
        cards = (accelerator(device),) * count
        return size(replace(request, devices=cards, tp=count if cut else None, pp=None))

    found = list_offers(prices, reader, OfferWish(), "USD", AgeLimit(today), fit)
    return tuple(_said(request, row) for row in found.rows[:1])


def _said(request: SizeRequest, row: OfferRow) -> Diagnostic:
    count = f"{row.gpus} x " if row.gpus > 1 else ""
    date_of = row.offer.source.date or "undated"
    numbers = []
    if row.report and row.report.devices:
        worst = max(row.report.devices, key=lambda device: device.used_bytes)
        numbers.append(f"{gib(worst.used_bytes)} of {gib(worst.total_bytes)} a device")
    if row.report and row.report.max_context:
        numbers.append(f"sequences up to {tokens(row.report.max_context)}")
    if row.report and row.report.decode:
        numbers.append(f"about {row.report.decode.expected:.0f} tokens/s")
    return note(
        f"or rent {count}{row.device or row.offer.gpu} at {row.offer.provider}, about "
        f"{row.hourly.amount:.2f} {row.hourly.currency}/h ({date_of}): {', '.join(numbers)}",
        advice=f"planner offers --for {request.model}",
    )
