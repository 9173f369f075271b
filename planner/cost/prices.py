"""Where prices come from: the door through which the catalogue enters, and later live offers."""

from __future__ import annotations

from typing import Protocol

from planner.catalogue.find_offer import best_offer, find_provider
from planner.catalogue.match import Match, NotFound
from planner.catalogue.price import ExchangeRate, find_exchange_rate
from planner.catalogue.provider import Offer, Provider
from planner.catalogue.reader import CatalogueReader


class Prices(Protocol):
    """What the estimate asks for. An answer is a row, or what is missing in words."""

    def provider(self, name: str) -> Match[Provider] | NotFound:
        """The provider of that name."""
        ...

    def offer(self, provider: str, gpu: str, kind: str | None) -> Match[Offer] | NotFound:
        """The price to plan with for one kind of GPU (a device id) at a provider (an id)."""
        ...

    def exchange(self, base: str, quote: str) -> ExchangeRate | None:
        """The rate from one currency to another, or None."""
        ...


class CataloguePrices:
    """Prices of the dated rows in the catalogue: they work offline."""

    def __init__(self, reader: CatalogueReader) -> None:
        self._reader = reader

    def provider(self, name: str) -> Match[Provider] | NotFound:
        """The provider of that name."""
        return find_provider(self._reader, name)

    def offer(self, provider: str, gpu: str, kind: str | None) -> Match[Offer] | NotFound:
        """The newest dated price for that GPU and kind of rental."""
        return best_offer(self._reader, gpu, provider, kind)

    def exchange(self, base: str, quote: str) -> ExchangeRate | None:
        """The newest rate, turned around where only the other direction is known."""
        return find_exchange_rate(self._reader, base, quote)
