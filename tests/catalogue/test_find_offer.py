"""Of several prices for one GPU the newest dated one is planned with, and the rest is said."""

from decimal import Decimal

import pytest

from planner.catalogue.find_offer import best_offer, find_provider, offers_for
from planner.catalogue.match import Match, NotFound
from planner.catalogue.price import find_exchange_rate, read_exchange_rates
from planner.catalogue.provider import Offer
from planner.catalogue.reader import CatalogueReader
from planner.money import Money
from tests.catalogue.readers import CountingCatalogue, MemoryCatalogue


def offer(
    reader: CatalogueReader, gpu: str, provider: str, kind: str | None = None
) -> Match[Offer]:
    found = best_offer(reader, gpu, provider, kind)
    assert isinstance(found, Match), found
    return found


def shop(*offers: dict[str, object]) -> MemoryCatalogue:
    """A shop with three ways to rent, and one source for each date."""
    dates = {"old": "2025-06-29", "quarter": "2026-Q1", "new": "2026-09-13", "undated": None}
    row = {
        "id": "shop", "name": "Shop", "url": "https://shop.example", "currency": "USD",
        "billing": {"unit": "second"},
        "kinds": {"secure": {"terms": "on-demand"}, "shared": {"terms": "on-demand"},
                  "spot": {"terms": "interruptible"}},
        "offers": [{"gpu": "h100-sxm", "kind": "secure", **item} for item in offers],
        "unpriced": ["mi300x"],
        "sources": {key: {"date": date, "evidence": "read"} for key, date in dates.items()},
    }  # fmt: skip
    return MemoryCatalogue({"providers": {"shop": row}})


def test_the_newest_dated_price_wins(catalogue: CatalogueReader) -> None:
    found = offer(catalogue, "h100-sxm", "runpod")
    assert str(found.row.price) == "3.99 USD/h"
    assert (found.row.kind, found.row.source.date, found.note) == ("secure", "2026-11-09", None)


def test_dates_of_any_precision_are_put_in_order() -> None:
    reader = shop(
        {"price": 1, "source": "quarter"},
        {"price": 2, "source": "new"},
        {"price": 3, "source": "undated"},
        {"price": 4, "source": "old"},
    )
    assert offer(reader, "h100-sxm", "shop").row.price.money.amount == 2
    in_order = [item.price.money.amount for item in offers_for(reader, "h100-sxm")]
    assert in_order == [2, 1, 4, 3]


def test_an_undated_price_is_better_than_none_and_says_so() -> None:
    found = offer(shop({"price": 3, "source": "undated"}), "h100-sxm", "shop")
    assert found.note == "the price has no date"


def test_on_one_day_the_order_of_kinds_decides() -> None:
    reader = shop({"price": 1, "source": "new", "kind": "shared"}, {"price": 2, "source": "new"})
    assert offer(reader, "h100-sxm", "shop").row.kind == "secure"
    assert offer(reader, "h100-sxm", "shop", "shared").row.kind == "shared"


def test_what_can_be_taken_away_is_rented_only_when_asked_for() -> None:
    reader = shop({"price": 1, "source": "new", "kind": "spot"})
    refused = best_offer(reader, "h100-sxm", "shop")
    assert isinstance(refused, NotFound)
    assert refused.nearest == ("spot",)
    assert offer(reader, "h100-sxm", "shop", "spot").row.kind == "spot"
    assert offer(reader, "h100-sxm", "shop", "interruptible").row.kind == "spot"


def test_a_lowest_price_stands_behind_the_others_and_says_so() -> None:
    low = {"price": 1, "source": "new", "figure": "lowest"}
    assert offer(shop(low, {"price": 2, "source": "old"}), "h100-sxm", "shop").note is None
    found = offer(shop(low), "h100-sxm", "shop")
    assert found.note == "the lowest price seen: expect to pay more"


def test_a_price_that_leaves_the_form_open_counts_when_there_is_no_other() -> None:
    open_form = {"gpu": "h100", "price": 2, "source": "new"}
    found = offer(shop(open_form), "h100-pcie", "shop")
    assert found.note == "Shop's price is for h100 in any form"
    exact = offer(shop(open_form, {"price": 3, "source": "old"}), "h100-sxm", "shop")
    assert (exact.row.gpu, exact.note) == ("h100-sxm", None)
    assert isinstance(best_offer(shop(open_form), "h200-sxm", "shop"), NotFound)


def test_what_is_not_offered_is_said() -> None:
    reader = shop({"price": 1, "source": "new"})
    unpriced = best_offer(reader, "mi300x", "shop")
    unknown_kind = best_offer(reader, "h100-sxm", "shop", "night")
    absent = best_offer(reader, "l4", "shop")
    assert isinstance(unpriced, NotFound)
    assert unpriced.summary == "GPU 'mi300x': no dated price of Shop is known"
    assert isinstance(unknown_kind, NotFound)
    assert unknown_kind.advice == "write secure, shared or spot"
    assert isinstance(absent, NotFound)
    assert absent.nearest == ("h100-sxm",)


def test_one_provider_costs_one_file(counting: CountingCatalogue) -> None:
    offer(counting, "rtx-4090", "runpod")
    assert counting.reads == {"providers/runpod"}


def test_prices_per_month_and_for_several_cards_compare(catalogue: CatalogueReader) -> None:
    by_source = {item.source.key: item for item in offers_for(catalogue, "rtx-4090")}
    seed = [item for item in offers_for(catalogue, "rtx-4090") if item.source.key == "seed"]
    hostkey = next(item for item in seed if item.provider == "hostkey")
    assert hostkey.covers == 4
    assert hostkey.per_gpu_hour() == Money(Decimal(774) / 730 / 4, "EUR")
    assert by_source["hostkey_rel"].per_gpu_hour().rounded() == Money(Decimal("1.03"), "EUR")
    assert {item.source.verified for item in seed} == {False}
    assert len(by_source) > 8


@pytest.mark.parametrize(
    ("name", "expected"),
    [("runpod", "runpod"), ("RunPod", "runpod"), ("vast.ai", "vast"), ("OVHcloud", "ovh")],
)
def test_a_provider_is_found(catalogue: CatalogueReader, name: str, expected: str) -> None:
    found = find_provider(catalogue, name)
    assert isinstance(found, Match)
    assert (found.row.id, found.note) == (expected, None)


def test_an_unknown_provider_lists_the_known_ones(catalogue: CatalogueReader) -> None:
    typo, other = find_provider(catalogue, "runpot"), find_provider(catalogue, "nosuch")
    assert isinstance(typo, NotFound)
    assert typo.advice == "write runpod"
    assert isinstance(other, NotFound)
    assert "hetzner" in other.nearest


def test_exchange_rates_go_both_ways(catalogue: CatalogueReader) -> None:
    there = find_exchange_rate(catalogue, "EUR", "USD")
    back = find_exchange_rate(catalogue, "USD", "EUR")
    assert there is not None
    assert back is not None
    assert (there.rate, there.inverted, back.inverted) == (Decimal("1.1637"), False, True)
    assert there.convert(Money(Decimal(100), "EUR")) == Money(Decimal("116.37"), "USD")
    assert back.convert(there.convert(Money(Decimal(7), "EUR"))).rounded().amount == 7
    with pytest.raises(ValueError, match="cannot convert RUB"):
        there.convert(Money(Decimal(1), "RUB"))


def test_a_rate_nobody_stated_is_unknown(catalogue: CatalogueReader) -> None:
    assert find_exchange_rate(catalogue, "EUR", "RUB") is None
    assert {rate.base for rate in read_exchange_rates(catalogue)} == {"EUR"}
