"""Converting there and back loses at most a cent, and never joins two currencies."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from planner.cost.exchange import convert
from planner.cost.prices import CataloguePrices
from planner.money import Money
from planner.sources.catalogue import PackagedCatalogue

PRICES = CataloguePrices(PackagedCatalogue())
CENT = Decimal("0.01")


@given(st.integers(-(10**9), 10**9), st.sampled_from([("EUR", "USD"), ("USD", "EUR")]))
def test_there_and_back_is_within_a_cent(cents: int, pair: tuple[str, str]) -> None:
    start, other = pair
    money = Money(Decimal(cents) / 100, start)
    there, rate = convert(money, other, PRICES)
    back, again = convert(there.rounded(), start, PRICES)
    assert rate is not None
    assert again is not None
    assert rate.date == again.date
    assert abs(back.rounded().amount - money.amount) <= CENT
    assert there.currency == other


@given(st.integers(0, 10**9))
def test_in_its_own_currency_nothing_happens(cents: int) -> None:
    money = Money(Decimal(cents) / 100, "EUR")
    assert convert(money, "EUR", PRICES) == (money, None)
