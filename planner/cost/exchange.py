"""Charges in several currencies become lines in one, each at a dated rate that is kept."""

from __future__ import annotations

from collections.abc import Iterable

from planner.catalogue.price import ExchangeRate
from planner.cost.prices import Prices
from planner.cost.values import Charge, CostLine
from planner.diagnostics import Diagnostic, error, note
from planner.money import Money


def to_lines(
    charges: Iterable[Charge], currency: str, prices: Prices
) -> tuple[tuple[CostLine, ...], tuple[Diagnostic, ...]]:
    """Lines in ``currency``, rounded to the cent; an error for a charge that cannot be converted.

    Conversion comes before rounding, so that one cent is the most a line can be off.
    """
    lines: list[CostLine] = []
    found: list[Diagnostic] = []
    for charge in charges:
        rate = None
        if charge.monthly.currency != currency:
            rate = prices.exchange(charge.monthly.currency, currency)
            if rate is None:
                found.append(_no_rate(charge, currency))
                continue
        lines.append(_line(charge, rate))
    return tuple(lines), tuple(found)


def convert(money: Money, currency: str, prices: Prices) -> tuple[Money, ExchangeRate | None]:
    """``money`` in ``currency``. Raises ValueError when no rate is known."""
    if money.currency == currency:
        return money, None
    rate = prices.exchange(money.currency, currency)
    if rate is None:
        raise ValueError(f"no rate from {money.currency} to {currency} is known")
    return rate.convert(money), rate


def rate_used(rate: ExchangeRate) -> Diagnostic:
    """A note that shows the rate and its day."""
    way = "1 / " if rate.inverted else ""
    shown = f"{1 / rate.rate:.4f}" if rate.inverted else f"{rate.rate:.4f}"
    return note(
        f"1 {rate.base} counts as {way}{shown} {rate.quote}, the rate of {rate.date}",
        detail=rate.source.url,
    )


def _line(charge: Charge, rate: ExchangeRate | None) -> CostLine:
    monthly = rate.convert(charge.monthly) if rate else charge.monthly
    basis = f"{charge.basis} = {charge.monthly}" if rate else charge.basis
    written = f"blueprint: {charge.resource}"
    source = (charge.source.url or charge.source.key) if charge.source else written
    return CostLine(
        resource=charge.resource,
        kind=charge.kind,
        monthly=monthly.rounded(),
        basis=basis,
        source=source,
        as_of=charge.source.date if charge.source else None,
        rate=rate,
        once=_once(charge, rate),
        sunk=charge.sunk,
    )


def _once(charge: Charge, rate: ExchangeRate | None) -> Money | None:
    """What is paid once, in the currency of the line; Charge keeps both in one currency."""
    if charge.once is None:
        return None
    return (rate.convert(charge.once) if rate else charge.once).rounded()


def _no_rate(charge: Charge, currency: str) -> Diagnostic:
    return error(
        f"{charge.monthly} of {charge.resource} is in no total: "
        f"no rate from {charge.monthly.currency} to {currency} is known",
        *charge.resource.split("."),
        detail=charge.basis,
        advice=f"write the amount in {currency}, or budget.currency: {charge.monthly.currency}",
    )
