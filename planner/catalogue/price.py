"""Prices that no provider of GPUs sets: electricity, exchange rates, memory modules."""

from decimal import Decimal
from typing import NamedTuple

from planner.catalogue.figure import Source, date_order
from planner.catalogue.reader import TABLES, CatalogueReader
from planner.catalogue.row import Row, open_row
from planner.money import Money, Rate


class ElectricityTariff(NamedTuple):
    """What a kWh costs in a region ("us", "de", "ru"); ``high`` closes a range."""

    region: str
    sector: str
    price: Rate
    high: Money | None
    period: str
    source: Source
    note: str | None


class ExchangeRate(NamedTuple):
    """One unit of ``base`` costs ``rate`` units of ``quote`` on ``date``.

    ``inverted`` says that the source states the other direction.
    """

    base: str
    quote: str
    rate: Decimal
    date: str
    source: Source
    inverted: bool = False

    def convert(self, money: Money) -> Money:
        """Return ``money`` in the quoted currency, not rounded. Raises ValueError on another."""
        if money.currency != self.base:
            raise ValueError(f"a rate from {self.base} cannot convert {money.currency}")
        return Money(money.amount * self.rate, self.quote)


class MemoryPrice(NamedTuple):
    """The price of a memory module or kit of ``gb`` (binary) gigabytes."""

    what: str
    kind: str
    period: str
    gb: int
    price: Money
    high: Money | None
    source: Source
    note: str | None

    def per_tb(self) -> Money:
        """The price of 1024 GB of such modules."""
        return Money(self.price.amount * 1024 / self.gb, self.price.currency)


def read_tariffs(reader: CatalogueReader) -> tuple[ElectricityTariff, ...]:
    """Return every electricity tariff, newest first. Raises CatalogueError."""
    row = _open(reader, "electricity")
    found = tuple(_tariff(item) for item in row.rows("tariffs"))
    row.done()
    return tuple(sorted(found, key=lambda tariff: date_order(tariff.source.date), reverse=True))


def read_exchange_rates(reader: CatalogueReader) -> tuple[ExchangeRate, ...]:
    """Return every exchange rate, newest first, in the direction stated. Raises CatalogueError."""
    row = _open(reader, "exchange_rates")
    found = tuple(_exchange_rate(item) for item in row.rows("rates"))
    row.done()
    return tuple(sorted(found, key=lambda rate: rate.date, reverse=True))


def find_exchange_rate(reader: CatalogueReader, base: str, quote: str) -> ExchangeRate | None:
    """Return the newest rate from ``base`` to ``quote``, turned around where only that is known.

    None when neither direction is known: an amount in that currency cannot be converted.
    """
    for rate in read_exchange_rates(reader):
        if (rate.base, rate.quote) == (base, quote):
            return rate
        if (rate.quote, rate.base) == (base, quote):
            return ExchangeRate(base, quote, 1 / rate.rate, rate.date, rate.source, inverted=True)
    return None


def read_memory_prices(reader: CatalogueReader) -> tuple[MemoryPrice, ...]:
    """Return every memory price, newest first. Raises CatalogueError."""
    row = _open(reader, "memory_prices")
    found = tuple(_memory_price(item) for item in row.rows("prices"))
    row.done()
    return tuple(sorted(found, key=lambda price: date_order(price.period), reverse=True))


def _open(reader: CatalogueReader, table: str) -> Row:
    return open_row(reader.read(TABLES, table), f"catalogue {TABLES}/{table}.yaml")


def _tariff(row: Row) -> ElectricityTariff:
    price, high = _range(row)
    return ElectricityTariff(
        region=row.text("region"),
        sector=row.text("sector"),
        price=Rate(price, "kWh"),
        high=high,
        period=row.text("period"),
        source=row.source(),
        note=row.opt_text("note"),
    )


def _exchange_rate(row: Row) -> ExchangeRate:
    return ExchangeRate(
        base=row.text("from"),
        quote=row.text("to"),
        rate=row.number("rate"),
        date=row.text("date"),
        source=row.source(),
    )


def _memory_price(row: Row) -> MemoryPrice:
    price, high = _range(row)
    return MemoryPrice(
        what=row.text("what"),
        kind=row.text("kind"),
        period=row.text("period"),
        gb=row.integer("gb"),
        price=price,
        high=high,
        source=row.source(),
        note=row.opt_text("note"),
    )


def _range(row: Row) -> tuple[Money, Money | None]:
    """The price of a row and, where it is a range, its upper end."""
    currency, high = row.text("currency"), row.opt_number("high")
    low = Money(row.number("price"), currency)
    return low, None if high is None else Money(high, currency)
