"""Sizes, tokens and money are read as people write them, and nothing is mixed up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import units
from planner.money import Money, parse_money, parse_rate


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("192GiB", 192 << 30),
        ("4TB", 4 * 10**12),
        ("23.5 GiB", 47 << 29),
        ("1_000 MB", 10**9),
        ("1tib", 1 << 40),
        ("79.19GiB", 85029615042),
    ],
)
def test_sizes(text: str, count: int) -> None:
    assert units.parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "GiB", "4 XB", "-1GiB", "1e3 GiB", "64"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        units.parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("32768", 32768), ("32k", 32768), ("90K", 92160), ("1M", 1 << 20), ("1.5k", 1536)],
)
def test_tokens(text: str, count: int) -> None:
    assert units.parse_tokens(text) == count


@pytest.mark.parametrize("text", ["0", "-1", "32q", "0.0001k", ""])
def test_no_tokens(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        units.parse_tokens(text)


@given(st.integers(min_value=0, max_value=1 << 60))
def test_whole_bytes_survive(count: int) -> None:
    assert units.parse_bytes(f"{count}B") == count


def test_money_keeps_currencies_apart() -> None:
    with pytest.raises(ValueError, match="convert"):
        parse_money("1 USD") + parse_money("1 EUR")
    assert str(parse_money("1,234.5 USD") * Decimal(2)) == "2,469.00 USD"
    with pytest.raises(TypeError):
        Money(1.5, "USD")  # type: ignore[arg-type]


def test_rates_name_their_unit() -> None:
    assert str(parse_rate("0.37 EUR/kWh", "kWh")) == "0.37 EUR/kWh"
    with pytest.raises(ValueError, match=r"0\.80 USD/h"):
        parse_rate("0.37 EUR/kWh", "h")
