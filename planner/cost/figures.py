"""Numbers in the words of a basis: short, exact enough to check by hand."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from planner.money import Money


def decimal(value: Fraction | int) -> Decimal:
    """A fraction as a decimal of 28 digits: multiply money with it, round at the end."""
    whole = Fraction(value)
    return Decimal(whole.numerator) / Decimal(whole.denominator)


def short(value: Decimal, places: int = 2) -> str:
    """``value`` with at most that many decimals and no trailing zeros."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(money: Money) -> str:
    """A price as its source writes it, with at least two decimals: ``0.69 USD``."""
    amount = money.amount
    exponent = amount.normalize().as_tuple().exponent
    places = max(2, min(6, -exponent if isinstance(exponent, int) else 2))
    return f"{amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f} {money.currency}"
