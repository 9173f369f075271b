"""Who the month falls to, against sums done by hand, and properties that hold for any month."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.cost.estimate import estimate
from planner.cost.shares import split
from planner.cost.values import CostReport, Share
from planner.farm import Farm, FarmHost, FarmModel, Placed, Placement
from planner.money import Money
from planner.sizing.values import Speed
from tests.cost.price_list import PriceList, money, offer
from tests.placement.builders import cards, farm, host, model, report

FAST = Speed(80, 100, 125)


def placed(
    whole: Farm, what: FarmModel, where: FarmHost, per_card: int, count: int = 1, ram: int = 0,
    speed: Speed | None = FAST, index: int = 0,
) -> Placed:  # fmt: skip
    """A replica on the first cards of a host that takes so many bytes of each."""
    devices = where.devices[:count]
    sized = report(what, devices, per_card, ram)
    return Placed(what, index, where, devices, replace(sized, decode=speed), 8000 + index)


def estimated(
    hosts: list[FarmHost], models: list[FarmModel], replicas: Any, **document: Any
) -> CostReport:
    whole = farm(hosts, models, **document)
    rates = {("EUR", "USD"): "1.1637"}
    prices = PriceList(offer("0.69 USD"), rates=rates)
    return estimate(whole, Placement(whole, tuple(replicas(whole))), prices)


def shown(shares: tuple[Share, ...]) -> list[tuple[str, str]]:
    return [(share.name, str(share.monthly.amount)) for share in shares]


BOX = {"owned": {"price": "4800 USD"}}  # 100 USD a month


def test_a_hosts_cost_is_divided_by_the_device_memory_that_models_take() -> None:
    # 18 and 6 GiB of one card: three quarters and one quarter of 100 USD
    box, big, small = host("box", cards(1), **BOX), model("big"), model("small")
    made = estimated([box], [big, small], lambda whole: [
        placed(whole, big, box, 18), placed(whole, small, box, 6, index=1),
    ])  # fmt: skip
    assert shown(made.shares.models) == [("big", "75.00"), ("small", "25.00")]
    assert made.shares.models[0].basis == "box 100.00 x 75% of the device memory taken"


def test_a_host_without_cards_is_divided_by_ram() -> None:
    node, one, two = host("node", **BOX), model("one"), model("two")
    made = estimated([node], [one, two], lambda whole: [
        placed(whole, one, node, 0, ram=30), placed(whole, two, node, 0, ram=10, index=1),
    ])  # fmt: skip
    assert shown(made.shares.models) == [("one", "75.00"), ("two", "25.00")]
    assert "RAM taken" in made.shares.models[0].basis


def test_a_model_in_the_ram_of_a_host_with_cards_has_no_share_and_that_is_said() -> None:
    box, big, small = host("box", cards(1), **BOX), model("big"), model("small")
    made = estimated([box], [big, small], lambda whole: [
        placed(whole, big, box, 18), placed(whole, small, box, 0, count=0, ram=5, index=1),
    ])  # fmt: skip
    assert shown(made.shares.models) == [("big", "100.00"), ("small", "0.00")]
    assert any("small on box takes no device memory" in d.summary for d in made.diagnostics)


def test_a_vm_is_paid_by_the_machine_it_is_within() -> None:
    box, vm, one = host("box", **BOX), host("vm", within="box"), model("one")
    made = estimated([box, vm], [one], lambda whole: [placed(whole, one, vm, 0, ram=4)])
    assert shown(made.shares.hosts) == [("box", "100.00")]
    assert shown(made.shares.models) == [("one", "100.00")]
    assert made.shares.idle == ()


def test_what_no_model_runs_on_is_named() -> None:
    box, spare, one = host("box", cards(1), **BOX), host("spare", **BOX), model("one")
    made = estimated([box, spare], [one], lambda whole: [placed(whole, one, box, 18)])
    assert shown(made.shares.idle) == [("spare", "100.00")]


def test_roles_share_their_model_evenly_to_the_cent() -> None:
    box, one = host("box", cards(1), **BOX), model("one")
    roles = {name: {"model": "one"} for name in ("poet", "clerk", "judge")}
    made = estimated([box], [one], lambda whole: [placed(whole, one, box, 18)], roles=roles)
    assert shown(made.shares.roles) == [("poet", "33.34"), ("clerk", "33.33"), ("judge", "33.33")]
    assert made.shares.roles[0].basis.startswith("1/3 of one: evenly")


def test_a_million_tokens_by_hand() -> None:
    """100 tokens/s x 3,600 s x 730 h x 25% = 65.7 million; 100 USD / 65.7 = 1.522 USD.

    At 125 tokens/s 82.125 million and 1.218 USD, at 80 tokens/s 52.56 million and 1.903 USD.
    """
    box = host("box", cards(1), power={"duty": "25%"}, **BOX)
    one = model("one")
    made = estimated([box], [one], lambda whole: [placed(whole, one, box, 18)])
    (cost,) = made.shares.tokens
    assert (cost.per_million, cost.low, cost.high) == (
        money("1.52 USD"), money("1.22 USD"), money("1.90 USD"),
    )  # fmt: skip
    assert cost.basis == "100.00 USD / 100 tokens/s x 182.5 h at work"
    assert any("one answer at a time" in d.summary for d in made.diagnostics)


def test_a_million_tokens_of_a_rented_card_counts_its_hours() -> None:
    """0.69 USD x 217.2619 h = 149.91 USD; 100 x 3,600 x 217.2619 = 78.214 million; 1.917 USD."""
    rent = {"provider": "cheap", "gpu": "rtx-4090", "hours": "mon-fri 09:00-19:00 Europe/Berlin"}
    cloud, one = host("cloud", cards(1), ram=None, rent=rent), model("one")
    made = estimated([cloud], [one], lambda whole: [placed(whole, one, cloud, 18)])
    assert made.shares.tokens[0].per_million == money("1.92 USD")


@pytest.mark.parametrize("duty", ["0%", None])
def test_without_speed_or_work_there_is_no_price_of_tokens(duty: str | None) -> None:
    power = {"duty": duty} if duty else None
    box, one = host("box", cards(1), power=power, **BOX), model("one")
    speed = Speed(80, 100, 125) if duty else None
    made = estimated([box], [one], lambda whole: [placed(whole, one, box, 18, speed=speed)])
    assert made.shares.tokens == ()
    assert any("no price per million tokens for one" in d.summary for d in made.diagnostics)


def test_a_model_on_a_host_whose_cost_is_not_known_is_not_said_to_be_free() -> None:
    box, one = host("box", cards(1), ram="64GiB"), model("one")
    made = estimated([box], [one], lambda whole: [placed(whole, one, box, 18)])
    assert made.shares.tokens == ()
    assert made.shares.models == ()
    said = [d.summary for d in made.diagnostics]
    assert any("no price per million tokens for one" in text for text in said)
    assert "no share for one: nothing is counted of its host" in said


@given(
    st.integers(0, 10**9),
    st.lists(st.integers(0, 10**12), min_size=1, max_size=12),
)
def test_parts_add_up_to_the_whole_to_the_cent(cents: int, weights: list[int]) -> None:
    whole = Money(Decimal(cents) / 100, "USD")
    parts = split(whole, weights)
    assert sum(part.amount for part in parts) == whole.amount
    total = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        exact = whole.amount * weight / total if total else whole.amount / len(weights)
        assert abs(part.amount - exact) < Decimal("0.0100000001")


@given(
    prices=st.lists(st.integers(1, 10**6), min_size=1, max_size=4),
    taken=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 20)), max_size=6),
)
def test_shares_add_up_to_the_month(prices: list[int], taken: list[tuple[int, int]]) -> None:
    hosts = [
        host(f"h{n}", cards(1), owned={"price": f"{price} USD"}) for n, price in enumerate(prices)
    ]
    models = [model(f"m{n}") for n in range(len(taken))]
    made = estimated(hosts, models, lambda whole: [
        placed(whole, models[n], hosts[where % len(hosts)], size, index=n)
        for n, (where, size) in enumerate(taken)
    ])  # fmt: skip
    whole = made.monthly.amount
    assert sum((s.monthly.amount for s in made.shares.hosts), Decimal()) == whole
    divided = [*made.shares.models, *made.shares.idle]
    assert sum((s.monthly.amount for s in divided), Decimal()) == whole
