"""What can be rented: offers of one day, filtered to what a model fits on, the cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from planner.catalogue.device import Device
from planner.catalogue.figure import date_order
from planner.catalogue.find_part import find_device
from planner.catalogue.match import Match
from planner.catalogue.price import ExchangeRate
from planner.catalogue.provider import MONTH, Offer, PriceFigure, Terms
from planner.catalogue.reader import CatalogueReader
from planner.cost.age import AgeLimit, age_days
from planner.cost.exchange import convert, rate_used
from planner.cost.prices import Prices
from planner.diagnostics import Diagnostic, note
from planner.money import HOURS_PER_MONTH, Money
from planner.sizing.values import SizeReport
from planner.units import round_up

# How many equal cards are tried: what engines split a model over.
COUNTS: Final = (1, 2, 4, 8)
Fit = Callable[[Device, int], SizeReport]


@dataclass(frozen=True, slots=True)
class OfferWish:
    """What is looked for; None takes everything. ``gpu`` is a device id, ``at_most`` an hour."""

    gpu: str | None = None
    provider: str | None = None
    terms: Terms | None = Terms.ON_DEMAND
    at_most: Money | None = None


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One offer for ``gpus`` cards. Money is for all of them, in the currency asked for.

    ``hourly`` of a price by the month is the month over its 730 hours. ``report`` is what sizing
    says of the model there, None where no model was named. ``memory_bytes`` is of one card, None
    where the name leaves the card open.
    """

    offer: Offer
    device: str | None
    memory_bytes: int | None
    gpus: int
    hourly: Money
    monthly: Money
    age_days: int | None
    stale: bool
    report: SizeReport | None = None


@dataclass(frozen=True, slots=True)
class OfferList:
    """Offers in one currency, the cheapest month first, and what was left out."""

    currency: str
    rows: tuple[OfferRow, ...]
    rates: tuple[ExchangeRate, ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class _Cards:
    """An offer and the number of cards that do the work, with what sizing says of them."""

    device: Device | None
    gpus: int
    report: SizeReport | None


def list_offers(
    prices: Prices,
    reader: CatalogueReader,
    wish: OfferWish,
    currency: str,
    limit: AgeLimit,
    fit: Fit | None = None,
) -> OfferList:
    """The newest price of everything that can be rented and is wished for.

    With ``fit`` each is for the fewest cards on which the model fits; what fits on none is left
    out, and so is a card whose memory is not known. Prices in a currency without a rate are left
    out and named.
    """
    found: list[OfferRow] = []
    rates: dict[ExchangeRate, None] = {}
    left: dict[str, list[str]] = {"currency": [], "unknown": []}
    fits = None if fit is None else _remembering(fit)
    for offer in newest(_wished(prices, wish), reader):
        cards = _cards(offer, reader, wish, fits, left["unknown"])
        if cards is None:
            continue
        try:
            row, rate = _row(offer, cards, prices, currency, limit)
        except ValueError:
            left["currency"].append(f"{offer.provider} ({offer.price.money.currency})")
            continue
        if wish.at_most is None or row.hourly.amount <= _most(wish.at_most, prices, currency):
            found.append(row)
            rates |= {rate: None} if rate is not None else {}
    found.sort(key=lambda r: (r.monthly.amount, r.offer.provider, r.offer.gpu, r.offer.kind))
    return OfferList(currency, tuple(found), tuple(rates), tuple(_said(left, rates, currency)))


def newest(offers: Iterable[Offer], reader: CatalogueReader) -> tuple[Offer, ...]:
    """Of each thing to rent the price to plan with, as the estimate chooses it.

    A dated one before an undated one, one for the card itself before one for any form of it, the
    lowest price seen only where there is no other, and then the newest.
    """
    best: dict[tuple[object, ...], tuple[tuple[object, ...], Offer]] = {}
    devices: dict[str, str] = {}
    for offer in offers:
        if offer.gpu not in devices:
            found = find_device(reader, offer.gpu)
            devices[offer.gpu] = found.row.id if isinstance(found, Match) else offer.gpu
        device, day = devices[offer.gpu], offer.source.date
        key = (offer.provider, device, offer.kind, offer.gpus_together, offer.product)
        lowest = offer.figure is PriceFigure.LOWEST
        rank = (day is not None, offer.gpu == device, not lowest, date_order(day))
        if key not in best or rank > best[key][0]:
            best[key] = (rank, offer)
    return tuple(offer for _, offer in best.values())


def _wished(prices: Prices, wish: OfferWish) -> Iterator[Offer]:
    for name in prices.providers() if wish.provider is None else (wish.provider,):
        answer = prices.provider(name)
        if isinstance(answer, Match):
            for offer in answer.row.offers:
                if wish.terms is None or offer.terms is wish.terms:
                    yield offer


def _cards(
    offer: Offer, reader: CatalogueReader, wish: OfferWish, fit: Fit | None, unknown: list[str]
) -> _Cards | None:
    """How many cards of the offer are rented, and what fits there; None when it is not for us."""
    found = find_device(reader, offer.gpu)
    device = found.row if isinstance(found, Match) else None
    if wish.gpu is not None and wish.gpu not in (offer.gpu, device.id if device else None):
        return None
    together = offer.gpus_together or 1
    if fit is None:
        return _Cards(device, round_up(offer.covers, together), None)
    if device is None or device.memory_bytes is None:
        unknown.append(offer.gpu)
        return None
    for count in (n for n in COUNTS if offer.gpus_together is None or n <= together):
        report = fit(device, count)
        if report.fits:
            return _Cards(device, count, report)
    return None


def _remembering(fit: Fit) -> Fit:
    """The same function, asked once for the same cards."""
    known: dict[tuple[str, int], SizeReport] = {}

    def fitted(device: Device, count: int) -> SizeReport:
        key = (device.id, count)
        if key not in known:
            known[key] = fit(device, count)
        return known[key]

    return fitted


def _row(
    offer: Offer, cards: _Cards, prices: Prices, currency: str, limit: AgeLimit
) -> tuple[OfferRow, ExchangeRate | None]:
    """The offer's price for the cards that must be paid. Raises ValueError without a rate."""
    paid = round_up(cards.gpus, offer.gpus_together or 1)
    if offer.price.per == MONTH:
        month = offer.price.money * -(-paid // offer.covers)
    else:
        month = offer.per_gpu_hour() * (paid * HOURS_PER_MONTH)
    monthly, rate = convert(month, currency, prices)
    hourly = Money((monthly.amount / HOURS_PER_MONTH).quantize(Decimal("0.0001")), currency)
    days = age_days(offer.source.date, limit.today)
    row = OfferRow(
        offer=offer,
        device=cards.device.id if cards.device else None,
        memory_bytes=cards.device.memory_bytes if cards.device else None,
        gpus=paid,
        hourly=hourly,
        monthly=monthly.rounded(),
        age_days=days,
        stale=days is None or days > limit.days,
        report=cards.report,
    )
    return row, rate


def _most(limit: Money, prices: Prices, currency: str) -> Decimal:
    return convert(limit, currency, prices)[0].amount


def _said(
    left: dict[str, list[str]], rates: Iterable[ExchangeRate], currency: str
) -> Iterator[Diagnostic]:
    for rate in rates:
        yield rate_used(rate)
    if left["currency"]:
        names = ", ".join(dict.fromkeys(left["currency"]))
        yield note(f"left out, as no rate to {currency} is known: {names}")
    if left["unknown"]:
        names = ", ".join(sorted(set(left["unknown"])))
        yield note(f"left out, as their memory is not known: {names}")
