"""How old a quote is, and when it is too old to trust."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from planner.catalogue.figure import date_order
from planner.catalogue.price import ExchangeRate
from planner.cost.values import CostKind, CostLine
from planner.diagnostics import Diagnostic, error, warning

# Prices of one provider rose by 15 to 25 percent within two months of autumn 2026.
STALE_DAYS: Final = 31
_QUOTED: Final = (CostKind.RENT, CostKind.STORAGE, CostKind.TRAFFIC)


@dataclass(frozen=True, slots=True)
class AgeLimit:
    """How old a quote may be on the day ``today``; ``strict`` makes an older one an error."""

    today: date
    days: int = STALE_DAYS
    strict: bool = False


def age_days(as_of: str | None, today: date) -> int | None:
    """Days since ``as_of`` ("2026-11-09", "2026-09", "2026"); None when it is undated or no date.

    A month or year counts as its last day, so a vague date is never called older than it is.
    """
    parts = date_order(as_of).split("-")
    try:
        year, month, day = (int(part) for part in parts)
        end = monthrange(year, month)[1]
        return max(0, (today - date(year, month, min(day, end))).days)
    except ValueError:
        return None


def aged(line: CostLine, limit: AgeLimit) -> CostLine:
    """The line with its age; a quote without a date is stale, for nobody can say that it is not.

    What stands in the blueprint is its owner's word and has no age, and so has the power of a card.
    """
    days = age_days(line.as_of, limit.today)
    quoted = line.kind in _QUOTED and not line.source.startswith("blueprint")
    return replace(line, age_days=days, stale=quoted and (days is None or days > limit.days))


def old_quotes(
    lines: Iterable[CostLine], rates: Iterable[ExchangeRate], limit: AgeLimit
) -> Iterator[Diagnostic]:
    """One finding for each stale price and exchange rate: a warning, or an error when strict."""
    say = error if limit.strict else warning
    for line in lines:
        if line.stale:
            yield say(
                f"the price for {line.kind.value} of {line.resource} {_old(line.age_days)}",
                *line.resource.split("."),
                detail=f"{line.source}, {line.as_of or 'undated'}",
                advice="ask the provider before you rely on it",
            )
    for rate in rates:
        days = age_days(rate.date, limit.today)
        if days is None or days > limit.days:
            yield say(
                f"the rate from {rate.base} to {rate.quote} {_old(days)}",
                detail=f"{rate.source.url}, {rate.date}",
                advice=f"write amounts in {rate.quote}, or look the rate up",
            )


def _old(days: int | None) -> str:
    return "has no date" if days is None else f"is {days} days old"
