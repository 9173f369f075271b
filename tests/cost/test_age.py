"""How old a quote is, however vaguely it is dated."""

from datetime import date

import pytest

from planner.cost.age import age_days


@pytest.mark.parametrize(
    ("as_of", "days"),
    [
        ("2026-11-09", 14),
        ("2026-12-01", 0),
        ("2026-10", 23),
        ("2026-06", 146),
        ("2026-02", 268),
        ("2026", 0),
        ("2024", 692),
        ("2026-Q1", 237),
        (None, None),
        ("early 2026", None),
    ],
)
def test_days(as_of: str | None, days: int | None) -> None:
    assert age_days(as_of, date(2026, 11, 23)) == days
