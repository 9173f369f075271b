"""What traffic and a public address cost, by hand."""

from __future__ import annotations

from planner.catalogue.provider import Fee
from planner.cost.estimate import estimate
from planner.cost.values import CostReport
from planner.money import Rate
from tests.cost.price_list import PAGE, PriceList, money, offer
from tests.placement.builders import cards, farm, host


def fee(kind: str, price: str, per: str) -> Fee:
    return Fee(kind, Rate(money(price), per), PAGE, None)


def rented(*fees: Fee, **rent: object) -> CostReport:
    written = {"provider": "cheap", "gpu": "rtx-4090", **rent}
    cloud = host("cloud", cards(1), ram=None, disk=None, rent=written)
    return estimate(farm([cloud], []), None, PriceList(offer("1.00 USD"), fees=fees))


def lines(report: CostReport) -> list[tuple[str, str, str]]:
    return [(li.kind.value, str(li.monthly), li.basis) for li in report.lines][1:]


def test_traffic_by_the_gigabyte() -> None:
    # 500 GB x 0.02 = 10.00
    made = rented(fee("traffic", "0.02 USD", "GB"), traffic="500GB")
    assert lines(made) == [("traffic", "10.00 USD", "500 GB x 0.02 USD/GB")]


def test_traffic_that_is_free_is_a_line_with_its_source() -> None:
    made = rented(fee("egress", "0 USD", "GB"), traffic="500GB")
    assert lines(made) == [("traffic", "0.00 USD", "500 GB x 0.00 USD/GB")]
    assert made.lines[1].source == "https://example.org/pricing"


def test_egress_counts_all_of_it_as_going_out_and_says_so() -> None:
    made = rented(fee("egress", "0.01 USD", "GB"), traffic="1TB")
    assert lines(made)[0][1:] == (
        "10.00 USD", "1,000 GB x 0.01 USD/GB, counted as if all of it went out",
    )  # fmt: skip


def test_traffic_at_a_price_that_is_not_known_is_a_warning_and_no_line() -> None:
    made = rented(traffic="500GB")
    assert lines(made) == []
    assert "500 GB of traffic is not known, and not counted" in made.diagnostics[0].summary


def test_traffic_that_is_not_written_is_said_unless_it_is_free() -> None:
    assert "traffic of cloud is not counted" in rented().diagnostics[0].summary
    assert rented(fee("traffic", "0 USD", "GB")).diagnostics == ()
    (said,) = rented(fee("traffic", "0.02 USD", "GB")).diagnostics
    assert said.advice == "write hosts.cloud.rent.traffic: 500GB"


def test_a_public_address_is_paid_by_the_hour_or_by_the_month() -> None:
    # 50 h a week x 730 / 168 = 217.2619 h x 0.01 = 2.17; 4.00 a month whatever the hours
    hours = "mon-fri 09:00-19:00 Europe/Berlin"
    free = fee("egress", "0 USD", "GB")
    made = rented(free, fee("public-ip", "0.01 USD", "h"), hours=hours)
    assert lines(made) == [
        ("traffic", "2.17 USD", "one public address: 0.01 USD/h x 217.26 h"),
    ]  # fmt: skip
    made = rented(free, fee("public-ip", "4 USD", "month"), hours=hours)
    assert lines(made) == [("traffic", "4.00 USD", "one public address: 4.00 USD/month")]
