"""What can be rented. Golden files: PLANNER_UPDATE_GOLDEN=1 pytest tests/cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from planner.catalogue.device import Device
from planner.catalogue.find_offer import provider_row
from planner.catalogue.match import Match, NotFound
from planner.catalogue.provider import PriceFigure, Terms
from planner.catalogue.reader import PROVIDERS, CatalogueError
from planner.catalogue.snapshot import parse_offers
from planner.cost.age import AgeLimit
from planner.cost.offers import OfferList, OfferWish, list_offers
from planner.cost.prices import CataloguePrices
from planner.errors import UsageError
from planner.sizing.values import SizeReport
from planner.sources.catalogue import PackagedCatalogue
from planner.sources.offers import read_offers
from planner.units import GIB
from planner.views.offers import offers_to_dict, offers_to_markdown, offers_to_text
from planner.views.terminal import Style
from tests.catalogue.readers import MemoryCatalogue
from tests.cost.price_list import PAGE, PriceList, money, offer
from tests.placement.builders import cards, model, report
from tests.placement.golden_text import assert_golden

GOLDEN = Path(__file__).with_name("golden")
READER = PackagedCatalogue()
LIMIT = AgeLimit(date(2026, 11, 23))
OLD = PAGE._replace(date="2026-06-01")
UNDATED = PAGE._replace(date=None)
OFFERS = (
    offer("0.69 USD"),
    offer("0.34 USD", kind="community", source=OLD),
    offer("0.20 USD", kind="bid", terms=Terms.INTERRUPTIBLE),
    offer("214 EUR", gpu="l40s", per="month", kind="monthly"),
    offer("2.00 USD", gpu="h100-sxm", gpus_together=8),
    offer("0.40 USD", gpu="a40"),
)
RATES = {("EUR", "USD"): "1.1637"}


def listed(*offers: object, wish: OfferWish | None = None, fit: object = None) -> OfferList:
    prices = PriceList(*(offers or OFFERS), rates=RATES)  # type: ignore[arg-type]
    return list_offers(prices, READER, wish or OfferWish(), "USD", LIMIT, fit)  # type: ignore[arg-type]


def rows(found: OfferList) -> list[tuple[str, int, str]]:
    return [(row.offer.gpu, row.gpus, str(row.monthly.amount)) for row in found.rows]


def fits_in(gib: int) -> Callable[[Device, int], SizeReport]:
    """A model of so many GiB, split over the cards."""

    def fit(device: Device, count: int) -> SizeReport:
        return report(model("chat"), cards(count, device), gib * GIB // count, max_context=40960)

    return fit


def test_a_4090_at_0_69_usd_an_hour_is_503_70_usd_a_month() -> None:
    (row,) = listed(offer("0.69 USD")).rows
    assert (row.monthly, row.hourly) == (money("503.70 USD"), money("0.6900 USD"))


def test_the_cheapest_month_is_first_and_euros_are_converted() -> None:
    # 214 EUR x 1.1637 = 249.03; eight H100 at 2.00 x 730 = 11,680
    assert rows(listed()) == [
        ("rtx-4090", 1, "248.20"),
        ("l40s", 1, "249.03"),
        ("a40", 1, "292.00"),
        ("rtx-4090", 1, "503.70"),
        ("h100-sxm", 8, "11680.00"),
    ]


def test_with_a_model_the_fewest_cards_on_which_it_fits() -> None:
    # 40 GiB: two of 24 GB, one of 48 GB, a machine of eight H100; a40 is not in the catalogue
    found = listed(fit=fits_in(40))
    assert rows(found) == [
        ("l40s", 1, "249.03"),
        ("rtx-4090", 2, "496.40"),
        ("rtx-4090", 2, "1007.40"),
        ("h100-sxm", 8, "11680.00"),
    ]
    assert any("memory is not known: a40" in item.summary for item in found.diagnostics)


def test_a_machine_with_one_card_takes_no_model_that_needs_two() -> None:
    single = offer("0.69 USD", gpus_together=1)
    assert rows(listed(single, fit=fits_in(20))) == [("rtx-4090", 1, "503.70")]
    assert rows(listed(single, fit=fits_in(40))) == []


def test_wishes() -> None:
    assert {gpu for gpu, _, _ in rows(listed(wish=OfferWish(gpu="l40s")))} == {"l40s"}
    assert rows(listed(wish=OfferWish(terms=Terms.INTERRUPTIBLE))) == [("rtx-4090", 1, "146.00")]
    assert len(rows(listed(wish=OfferWish(terms=None)))) == 6
    cheap = listed(wish=OfferWish(at_most=money("0.35 USD")))
    assert rows(cheap) == [("rtx-4090", 1, "248.20"), ("l40s", 1, "249.03")]
    assert rows(listed(wish=OfferWish(provider="nobody"))) == []


def test_of_several_prices_the_one_to_plan_with() -> None:
    typical, lowest = PriceFigure.TYPICAL, PriceFigure.LOWEST
    for best, *others in (
        (offer("2 USD"), offer("1 USD", source=OLD)),
        (offer("2 USD", source=OLD), offer("1 USD", source=UNDATED)),
        (offer("2 USD", source=OLD, figure=typical), offer("1 USD", figure=lowest)),
        (offer("2 USD", gpu="a100-80-sxm", source=OLD), offer("1 USD", gpu="a100-80")),
    ):
        assert [r.offer for r in listed(best, *others).rows] == [best]
        assert [r.offer for r in listed(*others, best).rows] == [best]


def test_old_and_undated_prices_are_marked() -> None:
    found = listed(offer("1 USD"), offer("2 USD", kind="b", source=OLD),
                   offer("3 USD", kind="c", source=UNDATED))  # fmt: skip
    assert [(row.age_days, row.stale) for row in found.rows] == [
        (14, False), (175, True), (None, True),
    ]  # fmt: skip


def test_a_currency_without_a_rate_is_left_out_and_named() -> None:
    found = listed(offer("50 RUB", kind="other"), offer("1 USD"))
    assert len(found.rows) == 1
    assert "no rate to USD is known: cheap (RUB)" in found.diagnostics[0].summary


@pytest.mark.parametrize("sized", [False, True])
@pytest.mark.parametrize(
    ("end", "draw"),
    [
        ("txt", lambda found: offers_to_text(found, Style())),
        ("md", offers_to_markdown),
        ("json", lambda found: json.dumps(offers_to_dict(found), indent=2) + "\n"),
    ],
)
def test_drawn(end: str, draw: Callable[[OfferList], str], sized: bool) -> None:
    found = listed(fit=fits_in(20) if sized else None)
    name = f"offers{'_for' if sized else ''}.{end}"
    assert_golden(GOLDEN / name, draw(found))


def test_no_offer_is_said() -> None:
    assert "no offer is known" in offers_to_text(listed(fit=fits_in(4000)), Style())


class TestFiles:
    ROW = "- {provider: runpod, gpu: rtx-4090, kind: secure, price: %s, source: mine}"
    SOURCES = "sources:\n  mine: {url: 'https://example.org', date: '2026-11-22', evidence: user}\n"

    def write(self, folder: Path, price: str = "0.61 USD/h", **other: str) -> Path:
        row = (self.ROW % price).replace("runpod", other.get("provider", "runpod"))
        (folder / "offers-mine.yaml").write_text(f"offers:\n{row}\n{self.SOURCES}")
        return folder

    def test_a_quote_of_the_owner_counts_because_it_is_newer(self, tmp_path: Path) -> None:
        shipped = CataloguePrices(READER, read_offers(None)).offer("runpod", "rtx-4090", None)
        mine = CataloguePrices(READER, read_offers(self.write(tmp_path)))
        found = mine.offer("runpod", "rtx-4090", None)
        assert isinstance(shipped, Match)
        assert isinstance(found, Match)
        assert shipped.row.price.money == money("0.74 USD")
        assert found.row.price.money == money("0.61 USD")

    def test_a_provider_of_whom_only_offers_are_known(self, tmp_path: Path) -> None:
        prices = CataloguePrices(READER, read_offers(self.write(tmp_path, provider="friend")))
        found = prices.offer("friend", "rtx-4090", None)
        assert isinstance(found, Match)
        assert "friend" in prices.providers()
        assert isinstance(prices.provider("stranger"), NotFound)

    @pytest.mark.parametrize(
        ("price", "says"), [("0.61", "expected a text"), ("cheap", "write 0.69 USD/h")]
    )
    def test_a_wrong_price_names_file_and_key(self, tmp_path: Path, price: str, says: str) -> None:
        with pytest.raises(CatalogueError, match=rf"offers-mine.yaml.*price.*{says}"):
            read_offers(self.write(tmp_path, price=price))

    def test_a_broken_file_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "offers.yaml").write_text("offers: [")
        with pytest.raises(UsageError, match="no YAML"):
            read_offers(tmp_path)

    def test_unknown_keys_are_refused(self) -> None:
        row = {"provider": "a", "gpu": "b", "kind": "c", "price": "1 USD/h", "source": "s", "x": 1}
        sources = {"s": {"evidence": "read"}}
        with pytest.raises(CatalogueError, match="unknown key 'x'"):
            parse_offers({"offers": [row], "sources": sources}, "offers.yaml")


def test_the_shipped_snapshot_says_what_the_catalogue_says() -> None:
    """Two files hold the same prices: neither may be changed without the other."""
    known = {
        (o.provider, o.gpu, o.kind, o.price, o.high, o.setup, o.gpus_together, o.source.date)
        for name in READER.names(PROVIDERS)
        for o in provider_row(READER, name).offers
    }
    snapshot = read_offers(None)
    assert len(snapshot) > 100
    for o in snapshot:
        row = (o.provider, o.gpu, o.kind, o.price, o.high, o.setup, o.gpus_together, o.source.date)
        assert row in known, o
        assert o.source.date is not None
        assert o.source.url is not None


def test_providers_are_those_of_the_catalogue() -> None:
    prices = CataloguePrices(MemoryCatalogue({PROVIDERS: {"one": {}}}))
    assert prices.providers() == ("one",)
