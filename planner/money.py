"""Money and prices: a decimal with its currency, and a price per unit of time, energy or volume."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

HOURS_PER_MONTH: Final = 730

_MONEY: Final = re.compile(r"(\d[\d_,]*(?:\.\d+)?)\s*([A-Z]{3})")
_RATE: Final = re.compile(r"(\d[\d_,]*(?:\.\d+)?)\s*([A-Z]{3})\s*/\s*([A-Za-z]+)")


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in one currency (ISO 4217 code). Arithmetic refuses to mix currencies."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError("money is a Decimal, never a float")

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}: convert it first")
        return Money(self.amount + other.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(self.amount * factor, self.currency)

    def rounded(self) -> Money:
        """To the cent, half up, as invoices do."""
        return Money(self.amount.quantize(Decimal("0.01"), ROUND_HALF_UP), self.currency)

    def __str__(self) -> str:
        return f"{self.rounded().amount:,} {self.currency}"


@dataclass(frozen=True, slots=True)
class Rate:
    """A price per unit: 0.80 USD per ``h``, 0.37 EUR per ``kWh``, 2 USD per ``Mtok``, which is
    10^6 tokens."""

    money: Money
    per: str

    def __str__(self) -> str:
        return f"{self.money.amount} {self.money.currency}/{self.per}"


def parse_money(text: str) -> Money:
    """``400 USD`` as Money. Raises ValueError with what to write instead."""
    match = _MONEY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an amount of money: write it as 400 USD")
    return Money(Decimal(match[1].replace("_", "").replace(",", "")), match[2])


def parse_rate(text: str, per: str) -> Rate:
    """``0.80 USD/h`` as a Rate per ``per``. Raises ValueError with what to write instead."""
    match = _RATE.fullmatch(text.strip())
    if match is None or match[3].lower() != per.lower():
        sample = text.strip() if _MONEY.fullmatch(text.strip()) else "0.80 USD"
        raise ValueError(f"{text!r} is not a price per {per}: write it as {sample}/{per}")
    return Rate(Money(Decimal(match[1].replace("_", "").replace(",", "")), match[2]), per)
