"""Prices as a test writes them down."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from planner.catalogue.figure import Evidence, Source
from planner.catalogue.match import Match, NotFound
from planner.catalogue.price import ExchangeRate
from planner.catalogue.provider import (
    HOUR,
    Billing,
    Fee,
    Kind,
    Offer,
    PriceFigure,
    Provider,
    StorageRate,
    Terms,
)
from planner.money import Money, Rate

PAGE = Source("page", "https://example.org/pricing", "2026-11-09", Evidence.READ)
ECB = Source("ecb", "https://example.org/rates", "2026-05-27", Evidence.READ)


def money(text: str) -> Money:
    """``0.69 USD``."""
    amount, currency = text.split()
    return Money(Decimal(amount), currency)


def offer(price: str, gpu: str = "rtx-4090", per: str = HOUR, **other: Any) -> Offer:
    """An on-demand price for one card."""
    unknown: dict[str, Any] = dict.fromkeys(Offer.__annotations__)
    plain: dict[str, Any] = {
        "provider": "cheap",
        "gpu": gpu,
        "kind": "secure",
        "terms": Terms.ON_DEMAND,
        "figure": PriceFigure.LISTED,
        "price": Rate(money(price), per),
        "covers": 1,
        "source": PAGE,
    }
    return Offer(**(unknown | plain | other))


def storage(running: str, stopped: str | None = None, **other: Any) -> StorageRate:
    """A price per GB and month."""
    off = Rate(money(stopped), "GB-month") if stopped else None
    unknown: dict[str, Any] = dict.fromkeys(StorageRate.__annotations__)
    plain: dict[str, Any] = {
        "kind": "disk",
        "running": Rate(money(running), "GB-month"),
        "stopped": off,
        "source": PAGE,
    }
    return StorageRate(**(unknown | plain | other))


class PriceList:
    """A Prices over one provider, ``cheap``, with the offers and rates given."""

    def __init__(
        self,
        *offers: Offer,
        storage: tuple[StorageRate, ...] = (),
        rates: dict[tuple[str, str], str] | None = None,
        fees: tuple[Fee, ...] = (),
        **billing: Any,
    ) -> None:
        unknown: dict[str, Any] = dict.fromkeys(Billing.__annotations__)
        bills = Billing(**(unknown | {"unit": "second"} | billing))
        self._provider = Provider(
            id="cheap",
            name="Cheap",
            url="https://example.org",
            currency="USD",
            vat_included=None,
            billing=bills,
            kinds=tuple({o.kind: Kind(o.kind, o.terms, None) for o in offers}.values()),
            offers=offers,
            unpriced=(),
            servers=(),
            storage=storage,
            fees=fees,
            note=None,
            sources=(),
        )
        self._rates = rates or {}

    def provider(self, name: str) -> Match[Provider] | NotFound:
        known = name == "cheap"
        return Match(self._provider) if known else NotFound("provider", name, ("cheap",))

    def providers(self) -> tuple[str, ...]:
        return ("cheap",)

    def offer(
        self, provider: str, gpu: str, kind: str | None, count: int = 1
    ) -> Match[Offer] | NotFound:
        for row in self._provider.offers:
            if row.gpu == gpu and kind in (None, row.kind):
                return Match(row)
        return NotFound("GPU", gpu, (), "no offer is known")

    def exchange(self, base: str, quote: str) -> ExchangeRate | None:
        rate = self._rates.get((base, quote))
        if rate is None:
            return None
        return ExchangeRate(base, quote, Decimal(rate), "2026-05-27", ECB)
