"""How old a quote is, and when it is too old to trust."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Final

from planner.catalogue.figure import date_order

# Prices of one provider rose by 15 to 25 percent within two months of autumn 2026.
STALE_DAYS: Final = 31


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
