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
    the blueprint at ``resource``). ``once`` is paid at the start, beside or instead of the month:
    the price of a purchase (which ``monthly`` spreads), a fee for setting up (which it leaves out).
    ``sunk`` is money that is spent already: it is shown, and no budget is held against it.
    """

    resource: str
    kind: CostKind
    monthly: Money
    basis: str
    source: Source | None = None
    once: Money | None = None
    sunk: bool = False


@dataclass(frozen=True, slots=True)
class CostLine:
    """A charge in the report's currency, rounded to the cent as an invoice is.

    ``source`` is an address, or where in the blueprint it is written; ``as_of`` the source's date
    as precisely as it is known, None for the blueprint. ``rate`` is set when it was converted.
    ``age_days`` is None where no date or day is known; ``stale`` marks a quote that is older than
    the limit, or has no date. ``once`` and ``sunk`` are as in Charge.
    """

    resource: str
    kind: CostKind
    monthly: Money
    basis: str
    source: str
    as_of: str | None
    rate: ExchangeRate | None = None
    once: Money | None = None
    age_days: int | None = None
    stale: bool = False
    sunk: bool = False

    @property
    def hourly(self) -> Money:
        """The month spread over its 730 hours, to a hundredth of a cent."""
        return _per_hour(self.monthly)


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """The budget a month, and what the lines leave of it; negative when they break it. ``sunk`` is
    the part of the month that was paid before and is not held against it."""

    monthly: Money
    left: Money
    sunk: Money


@dataclass(frozen=True, slots=True)
class Share:
    """What falls to one host, model or role of the month. ``basis`` says how it was divided."""

    name: str
    monthly: Money
    basis: str


@dataclass(frozen=True, slots=True)
class TokenCost:
    """What a model's tokens cost: its share of the month over the tokens of that month.

    ``low`` to ``high`` are the prices at the fastest and the slowest predicted speed;
    ``tokens_per_second`` is the expected speed of all its replicas, each giving one answer at a
    time. ``basis`` is the arithmetic. What cannot be said is not there.
    """

    model: str
    per_million: Money
    low: Money
    high: Money
    tokens_per_second: float
    basis: str


@dataclass(frozen=True, slots=True)
class Shares:
    """The month divided: by host, by model, by role. Each adds up to its whole, to the cent.

    ``idle`` is what falls to no model: hosts without one, and hosts that are not divided.
    """

    hosts: tuple[Share, ...] = ()
    models: tuple[Share, ...] = ()
    roles: tuple[Share, ...] = ()
    idle: tuple[Share, ...] = ()
    tokens: tuple[TokenCost, ...] = ()


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
    shares: Shares = Shares()

    @property
    def monthly(self) -> Money:
        """The sum of the lines for a month of 730 hours."""
        return Money(sum((line.monthly.amount for line in self.lines), Decimal()), self.currency)

    @property
    def once(self) -> Money:
        """What is paid at the start: purchases and fees for setting up."""
        paid = (line.once.amount for line in self.lines if line.once is not None)
        return Money(sum(paid, Decimal()), self.currency)

    @property
    def running(self) -> Money:
        """The month without what was paid at the start: rent, energy, storage, traffic."""
        lines = (line for line in self.lines if line.kind is not CostKind.PURCHASE)
        return Money(sum((line.monthly.amount for line in lines), Decimal()), self.currency)

    @property
    def hourly(self) -> Money:
        """The month spread over its 730 hours, also where something runs part of the time."""
        return _per_hour(self.monthly)


def _per_hour(monthly: Money) -> Money:
    amount = monthly.amount / HOURS_PER_MONTH
    return Money(amount.quantize(Decimal("0.0001")), monthly.currency)
