"""What a cost is made of: charges as they are billed, and the report in one currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from planner.catalogue.figure import Source
from planner.catalogue.price import ExchangeRate
from planner.diagnostics import Diagnostic
from planner.money import HOURS_PER_MONTH, Money


class CostKind(StrEnum):
    """What a line pays for."""

    RENT = "rent"
    ENERGY = "energy"
    PURCHASE = "purchase"
    STORAGE = "storage"
    TRAFFIC = "traffic"


@dataclass(frozen=True, slots=True)
class Charge:
    """One cost a month in the currency it is billed in, not rounded.

    ``basis`` is the arithmetic in words; ``source`` where its price comes from (None: written in
    the blueprint at ``resource``).
    """

    resource: str
    kind: CostKind
    monthly: Money
    basis: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class CostLine:
    """A charge in the report's currency, rounded to the cent as an invoice is.

    ``source`` is an address, or where in the blueprint it is written; ``as_of`` the source's date
    as precisely as it is known, None for the blueprint. ``rate`` is set when it was converted.
    """

    resource: str
    kind: CostKind
    monthly: Money
    basis: str
    source: str
    as_of: str | None
    rate: ExchangeRate | None = None

    @property
    def hourly(self) -> Money:
        """The month spread over its 730 hours, to a hundredth of a cent."""
        return _per_hour(self.monthly)


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """The budget a month, and what the lines leave of it; negative when they break it."""

    monthly: Money
    left: Money


@dataclass(frozen=True, slots=True)
class CostReport:
    """What a farm costs. Totals are sums of the rounded lines, so that the table adds up.

    ``budget`` is None when the blueprint sets none. What is not known is in no line; the
    diagnostics name it.
    """

    currency: str
    lines: tuple[CostLine, ...]
    budget: BudgetLeft | None
    rates: tuple[ExchangeRate, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def monthly(self) -> Money:
        """The sum of the lines for a month of 730 hours."""
        return Money(sum((line.monthly.amount for line in self.lines), Decimal()), self.currency)

    @property
    def hourly(self) -> Money:
        """The month spread over its 730 hours, also where something runs part of the time."""
        return _per_hour(self.monthly)


def _per_hour(monthly: Money) -> Money:
    amount = monthly.amount / HOURS_PER_MONTH
    return Money(amount.quantize(Decimal("0.0001")), monthly.currency)
