"""Where prices come from: the door through which dated rows enter, and later live offers."""

from __future__ import annotations

from typing import Protocol

from planner.catalogue.find_offer import best_of, find_provider
from planner.catalogue.match import Match, NotFound
from planner.catalogue.price import ExchangeRate, find_exchange_rate
from planner.catalogue.provider import Offer, Provider
from planner.catalogue.reader import PROVIDERS, CatalogueReader
from planner.catalogue.snapshot import only_offers, with_offers


class Prices(Protocol):
    """What estimating asks for. An answer is a row, or what is missing in words.

    A provider whose prices are asked for live is another class with these methods.
    """

    def providers(self) -> tuple[str, ...]:
        """The ids of all providers, sorted."""
        ...

    def provider(self, name: str) -> Match[Provider] | NotFound:
        """The provider of that name, with every offer of it that is known."""
        ...

    def offer(
        self, provider: str, gpu: str, kind: str | None, count: int = 1
    ) -> Match[Offer] | NotFound:
        """The price to plan with for ``count`` of a GPU (a device id) at a provider (an id)."""
        ...

    def exchange(self, base: str, quote: str) -> ExchangeRate | None:
        """The rate from one currency to another, or None."""
        ...


class CataloguePrices:
    """Prices of the dated rows in the catalogue, and of a snapshot beside it: they work offline.

    Of several prices for the same thing the newest counts, wherever it stands.
    """

    def __init__(self, reader: CatalogueReader, snapshot: tuple[Offer, ...] = ()) -> None:
        self._reader = reader
        self._snapshot = snapshot

    def providers(self) -> tuple[str, ...]:
        """The ids of the catalogue's providers and of those that only the snapshot knows."""
        quoted = (offer.provider for offer in self._snapshot)
        return tuple(sorted({*self._reader.names(PROVIDERS), *quoted}))

    def provider(self, name: str) -> Match[Provider] | NotFound:
        """The provider of that name, with the snapshot's offers of it."""
        found = find_provider(self._reader, name)
        if isinstance(found, Match):
            return Match(with_offers(found.row, self._snapshot), found.note)
        quoted = only_offers(name, self._snapshot)
        return found if quoted is None else Match(quoted, "nothing but its offers is known")

    def offer(
        self, provider: str, gpu: str, kind: str | None, count: int = 1
    ) -> Match[Offer] | NotFound:
        """The newest dated price for that many of the GPU and kind of rental."""
        found = self.provider(provider)
        return found if isinstance(found, NotFound) else best_of(found.row, gpu, kind, count)

    def exchange(self, base: str, quote: str) -> ExchangeRate | None:
        """The newest rate, turned around where only the other direction is known."""
        return find_exchange_rate(self._reader, base, quote)
