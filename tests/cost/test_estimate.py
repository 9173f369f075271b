"""What a farm costs, against sums done by hand and written out."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest

from planner.cost.age import AgeLimit
from planner.cost.estimate import estimate
from planner.cost.values import CostReport
from planner.diagnostics import Severity
from planner.farm import FarmHost, Placement
from planner.placement.place import place
from planner.units import GIB
from tests.cost.price_list import PriceList, money, offer, storage
from tests.placement.builders import cards, device, farm, figure, host, model, sizer

NOTHING = PriceList()


def rented(count: int = 1, name: str = "cloud", **rent: object) -> FarmHost:
    """A host rented at the test's provider."""
    written = {"provider": "cheap", "gpu": "rtx-4090", "count": count, **rent}
    return host(name, cards(count), ram=None, disk=None, rent=written)


def lines(report: CostReport) -> list[tuple[str, str, str, str]]:
    """Resource, kind, money and arithmetic of every line."""
    return [(li.resource, li.kind.value, str(li.monthly), li.basis) for li in report.lines]


def said(report: CostReport, *severities: Severity) -> str:
    """All summaries of that severity (all, when none is given)."""
    chosen = severities or tuple(Severity)
    return "\n".join(d.summary for d in report.diagnostics if d.severity in chosen)


class TestRent:
    def test_a_4090_at_0_69_usd_an_hour_is_503_70_usd_a_month(self) -> None:
        report = estimate(farm([rented()], []), None, PriceList(offer("0.69 USD")))
        assert lines(report) == [("hosts.cloud", "rent", "503.70 USD", "0.69 USD/h x 730 h")]
        assert str(report.monthly) == "503.70 USD"
        assert report.hourly == money("0.6900 USD")
        assert report.lines[0].source == "https://example.org/pricing"
        assert report.lines[0].as_of == "2026-11-09"

    def test_several_cards(self) -> None:
        # 0.69 x 4 = 2.76 USD/h; x 730 = 2014.80
        report = estimate(farm([rented(4)], []), None, PriceList(offer("0.69 USD")))
        basis = "0.69 USD/h x 4 GPUs x 730 h"
        assert lines(report) == [("hosts.cloud", "rent", "2,014.80 USD", basis)]

    def test_a_schedule_pays_its_hours_only(self) -> None:
        # 5 days x 10 h = 50 h a week; x 730/168 = 217.2619 h; x 0.74 = 160.7738
        office = rented(hours="mon-fri 09:00-19:00 Europe/Berlin")
        report = estimate(farm([office], []), None, PriceList(offer("0.74 USD")))
        basis = "0.74 USD/h x 217.26 h (mon-fri 09:00-19:00 Europe/Berlin: 50 h a week x 730/168)"
        assert lines(report) == [("hosts.cloud", "rent", "160.77 USD", basis)]
        assert report.hourly == money("0.2202 USD")  # 160.77 / 730: the average of the month

    def test_a_schedule_saves_nothing_where_stopped_hosts_are_charged(self) -> None:
        prices = PriceList(offer("1.00 USD"), charged_while_stopped=True)
        report = estimate(farm([rented(hours="mon 09:00-10:00 UTC")], []), None, prices)
        assert str(report.monthly) == "730.00 USD"
        assert "Cheap charges while stopped: hours do not lower the price" in said(report)

    def test_a_price_per_month_is_paid_in_full(self) -> None:
        prices = PriceList(offer("214 EUR", per="month", setup=money("209 EUR")))
        report = estimate(farm([rented(hours="mon 09:00-10:00 UTC")], []), None, prices)
        assert lines(report) == [("hosts.cloud", "rent", "214.00 EUR", "214.00 EUR/month")]
        assert "hours do not lower the price" in said(report)
        assert "209.00 EUR once for setup is not in the month" in said(report)

    def test_a_monthly_price_for_several_cards_is_not_split(self) -> None:
        prices = PriceList(offer("774 EUR", per="month", covers=4))
        assert str(estimate(farm([rented(4)], []), None, prices).monthly) == "774.00 EUR"
        assert str(estimate(farm([rented(2)], []), None, prices).monthly) == "774.00 EUR"
        assert str(estimate(farm([rented(5)], []), None, prices).monthly) == "1,548.00 EUR"

    def test_whole_nodes_are_paid_whole(self) -> None:
        # 2.50 x 8 x 730 = 14,600
        prices = PriceList(offer("2.50 USD", gpus_together=8), whole_nodes=True)
        report = estimate(farm([rented(1)], []), None, prices)
        assert str(report.monthly) == "14,600.00 USD"
        assert "Cheap rents 8 GPUs together: all are counted" in said(report)

    def test_a_price_above_at_most_is_refused(self) -> None:
        dear = rented(at_most="0.80 USD/h")
        report = estimate(farm([dear], []), None, PriceList(offer("0.81 USD")))
        assert said(report, Severity.ERROR) == "cloud costs 0.81 USD/h, more than its at_most"
        report = estimate(farm([dear], []), None, PriceList(offer("0.80 USD")))
        assert not said(report, Severity.ERROR)

    def test_at_most_holds_for_the_whole_host(self) -> None:
        both = rented(2, at_most="0.80 USD/h")
        report = estimate(farm([both], []), None, PriceList(offer("0.50 USD")))
        assert said(report, Severity.ERROR) == "cloud costs 1.00 USD/h, more than its at_most"

    def test_at_most_in_another_currency_is_converted_to_compare(self) -> None:
        # 0.60 EUR = 0.72 USD at 1.2
        prices = PriceList(offer("0.73 USD"), rates={("EUR", "USD"): "1.2"})
        report = estimate(farm([rented(at_most="0.60 EUR/h")], []), None, prices)
        assert "more than its at_most" in said(report, Severity.ERROR)
        prices = PriceList(offer("0.72 USD"), rates={("EUR", "USD"): "1.2"})
        report = estimate(farm([rented(at_most="0.60 EUR/h")], []), None, prices)
        assert not said(report, Severity.ERROR)
        report = estimate(
            farm([rented(at_most="0.60 EUR/h")], []), None, PriceList(offer("0.01 USD"))
        )
        assert "cannot be compared" in said(report, Severity.ERROR)

    def test_an_unknown_price_is_said_and_never_zero(self) -> None:
        report = estimate(farm([rented()], []), None, NOTHING)
        assert report.lines == ()
        assert "the price of cloud is not known and not counted" in said(report, Severity.WARNING)
        capped = estimate(farm([rented(at_most="0.80 USD/h")], []), None, NOTHING)
        # the most it may cost: 0.80 x 730 = 584
        basis = "at most 0.80 USD/h x 730 h"
        assert lines(capped) == [("hosts.cloud", "rent", "584.00 USD", basis)]
        assert capped.lines[0].source == "blueprint: hosts.cloud"
        assert "counted at its at_most" in said(capped, Severity.WARNING)

    def test_an_unknown_provider_is_said(self) -> None:
        elsewhere = rented(provider="nowhere")
        report = estimate(farm([elsewhere], []), None, NOTHING)
        assert "not known and not counted" in said(report, Severity.WARNING)

    def test_a_rental_that_nothing_runs_on_is_not_counted(self) -> None:
        whole, prices = farm([rented()], [model("chat")]), PriceList(offer("1.00 USD"))
        report = estimate(whole, Placement(whole, ()), prices)
        assert report.lines == ()
        said_of_it = "cloud is not counted: nothing runs on it, so it need not be rented"
        assert f"{said_of_it} (730.00 USD a month)" in said(report, Severity.NOTE)
        placed, _ = place(whole, sizer({"chat": GIB}))
        assert [item[2] for item in lines(estimate(whole, placed, prices))] == ["730.00 USD"]

    def test_a_rental_that_a_service_is_on_is_counted(self) -> None:
        on = {"n8n": {"on": "cloud"}}
        served = farm([rented()], [model("chat")], services=on)
        report = estimate(served, Placement(served, ()), PriceList(offer("1.00 USD")))
        assert [item[2] for item in lines(report)] == ["730.00 USD"]
        assert "nothing runs on it" not in said(report)

    def test_a_rental_that_a_vm_of_it_needs_is_counted(self) -> None:
        vm = host("vm", ram=8 * GIB, within="cloud")
        whole = farm([rented(), vm], [model("small", "llama.cpp", on="vm", gpu_layers=0)])
        placed, _ = place(whole, sizer({"small": GIB}))
        assert [r.host.name for r in placed.replicas] == ["vm"]
        report = estimate(whole, placed, PriceList(offer("1.00 USD")))
        assert [item[2] for item in lines(report)] == ["730.00 USD"]

    def test_a_dear_rental_is_refused_also_when_nothing_runs_on_it(self) -> None:
        whole = farm([rented(at_most="0.80 USD/h")], [model("chat")])
        report = estimate(whole, Placement(whole, ()), PriceList(offer("0.81 USD")))
        assert said(report, Severity.ERROR) == "cloud costs 0.81 USD/h, more than its at_most"


class TestStorage:
    def test_running_and_stopped_rates(self) -> None:
        # 200 GB; 50 h a week = 217.2619 h of 730 running at 0.10, the rest stopped at 0.20:
        # 200 x (0.10 x 217.2619 + 0.20 x 512.7381) / 730 = 200 x 0.170238 = 34.0476
        office = rented(hours="mon-fri 09:00-19:00 Europe/Berlin", disk="200GB")
        prices = PriceList(offer("1.00 USD"), storage=(storage("0.10 USD", "0.20 USD"),))
        report = estimate(farm([office], []), None, prices)
        assert lines(report)[1] == (
            "hosts.cloud",
            "storage",
            "34.05 USD",
            "200 GB x (0.10 USD x 217.26 h running + 0.20 USD x 512.74 h stopped) / 730",
        )

    def test_what_is_erased_on_stop_is_not_chosen(self) -> None:
        rates = (storage("0.05 USD", "0 USD"), storage("0.10 USD", "0.20 USD"))
        prices = PriceList(offer("1.00 USD"), storage=rates)
        report = estimate(farm([rented(disk="100GB")], []), None, prices)
        assert lines(report)[1][2:] == ("10.00 USD", "100 GB x 0.10 USD a month")

    def test_size_bounds(self) -> None:
        rates = (storage("0.07 USD", up_to_gb=1000), storage("0.05 USD", above_gb=1000))
        prices = PriceList(offer("1.00 USD"), storage=rates)
        report = estimate(farm([rented(disk="2TB")], []), None, prices)
        assert lines(report)[1][2] == "100.00 USD"  # 2000 x 0.05

    def test_unknown_and_unwritten_are_said(self) -> None:
        report = estimate(farm([rented(disk="2TB")], []), None, PriceList(offer("1.00 USD")))
        warned = said(report, Severity.WARNING)
        assert warned == "what Cheap charges for 2,000 GB is not known, and not counted"
        prices = PriceList(offer("1.00 USD"), storage=(storage("0.10 USD"),))
        report = estimate(farm([rented()], []), None, prices)
        assert "storage of cloud is not counted: no disk is written" in said(report, Severity.NOTE)


class TestEnergy:
    def one(self, electricity: str | None = "0.40 EUR/kWh", **spec: object) -> CostReport:
        budget = {"electricity": electricity} if electricity else {}
        box = host("box", cards(1), owned={"price": "48 EUR"}, **spec)
        return estimate(farm([box], [], budget=budget), None, NOTHING)

    def test_idle_and_loaded_watts(self) -> None:
        # 80 W x 75% + 480 W x 25% = 180 W; x 730 h = 131.4 kWh; x 0.40 = 52.56
        report = self.one(power={"idle": 80, "loaded": 480, "duty": "25%"})
        basis = "(80 W x 75% idle + 480 W x 25% loaded) x 730 h = 131.4 kWh x 0.40 EUR/kWh"
        assert lines(report)[1] == ("hosts.box", "energy", "52.56 EUR", basis)
        assert report.lines[1].source == "blueprint: hosts.box"

    def test_watts_of_the_parts_come_from_the_catalogue_and_are_said(self) -> None:
        # 450 W x 730 h = 328.5 kWh; x 0.40 = 131.40
        report = self.one()
        assert lines(report)[1][2:] == ("131.40 EUR", "450 W x 730 h = 328.5 kWh x 0.40 EUR/kWh")
        assert report.lines[1].source == "https://example.org/sheet"
        notes = said(report, Severity.NOTE)
        assert "watts of box are those of rtx-4090 (450 W); the rest is not known" in notes
        assert "counted as loaded all month: its duty is not known" in notes

    def test_cpu_sockets_count(self) -> None:
        cpu = SimpleNamespace(id="epyc", tdp_watts=figure(320))
        node = host("node", cpu=cpu, sockets=2, power={"duty": "100%"})
        report = estimate(farm([node], [], budget={"electricity": "0.40 EUR/kWh"}), None, NOTHING)
        assert lines(report)[0][3].startswith("640 W x 730 h")

    def test_unknown_idle_watts_count_as_loaded(self) -> None:
        report = self.one(power={"loaded": 480, "duty": "25%"})
        assert lines(report)[1][3].startswith("480 W x 730 h")
        assert "idle watts of box are not known: counted as if loaded" in said(report)

    def test_no_watts_at_all_is_a_warning_and_no_line(self) -> None:
        bare = host("bare")
        report = estimate(farm([bare], [], budget={"electricity": "0.40 EUR/kWh"}), None, NOTHING)
        assert report.lines == ()
        warned = said(report, Severity.WARNING)
        assert warned == "electricity of bare is not counted: its watts are not known"
        odd = host("odd", cards(1, device("card", 8192, tdp=None)))
        report = estimate(farm([odd], [], budget={"electricity": "0.40 EUR/kWh"}), None, NOTHING)
        assert "its watts are not known" in said(report, Severity.WARNING)

    def test_without_a_tariff_it_is_said(self) -> None:
        report = self.one(electricity=None)
        assert [line.kind.value for line in report.lines] == ["purchase"]
        assert "electricity is not counted for box: the tariff is not known" in said(report)

    def test_rent_and_vms_draw_no_power_of_their_own(self) -> None:
        hosts = [host("box", power={"idle": 50, "loaded": 50, "duty": "100%"}),
                 host("vm", within="box"), rented()]  # fmt: skip
        whole = farm(hosts, [], budget={"electricity": "0.40 USD/kWh"})
        report = estimate(whole, None, PriceList(offer("1.00 USD")))
        assert [(li.resource, li.kind.value) for li in report.lines] == [
            ("hosts.box", "energy"),
            ("hosts.cloud", "rent"),
        ]
        assert "vm costs nothing of its own: it is within box" in said(report)


def test_purchase_is_spread_over_its_years() -> None:
    # 16,000 / 48 months = 333.333; 2,500 / 30 months = 83.333
    hosts = [host("brain", owned={"price": "16000 USD"}),
             host("old", owned={"price": "2500 USD", "years": 2.5})]  # fmt: skip
    report = estimate(farm(hosts, []), None, NOTHING)
    assert lines(report) == [
        ("hosts.brain", "purchase", "333.33 USD", "16,000.00 USD / 48 months"),
        ("hosts.old", "purchase", "83.33 USD", "2,500.00 USD / 30 months"),
    ]
    assert str(report.monthly) == "416.66 USD"  # the sum of the lines shown


def test_what_was_not_bought_on_record_is_said() -> None:
    report = estimate(farm([host("a"), host("b"), host("vm", within="a")], []), None, NOTHING)
    assert "purchase is not counted for a, b: no price is written" in said(report)


class TestCurrencies:
    def test_converted_at_a_dated_rate_that_is_shown(self) -> None:
        # 214 EUR x 1.1637 = 249.0318 USD
        prices = PriceList(offer("214 EUR", per="month"), rates={("EUR", "USD"): "1.1637"})
        report = estimate(farm([rented()], [], budget={"monthly": "300 USD"}), None, prices)
        basis = "214.00 EUR/month = 214.00 EUR"
        assert lines(report) == [("hosts.cloud", "rent", "249.03 USD", basis)]
        assert "1 EUR counts as 1.1637 USD, the rate of 2026-05-27" in said(report, Severity.NOTE)
        assert report.budget is not None
        assert str(report.budget.left) == "50.97 USD"

    def test_without_a_rate_it_is_an_error_and_in_no_total(self) -> None:
        hosts = [host("a", owned={"price": "48 RUB"}), host("b", owned={"price": "96 USD"})]
        report = estimate(farm(hosts, [], budget={"monthly": "9 USD"}), None, NOTHING)
        assert str(report.monthly) == "2.00 USD"
        assert "1.00 RUB of hosts.a is in no total" in said(report, Severity.ERROR)

    def test_the_report_is_in_the_currency_asked_for(self) -> None:
        prices = PriceList(offer("1.00 USD"), rates={("USD", "EUR"): "0.5"})
        report = estimate(farm([rented()], [], budget={"currency": "EUR"}), None, prices)
        assert str(report.monthly) == "365.00 EUR"
        alone = estimate(farm([host("a", owned={"price": "48 RUB"})], []), None, NOTHING)
        assert alone.currency == "RUB"


class TestBudget:
    def test_what_is_left(self) -> None:
        whole = farm([rented()], [], budget={"monthly": "600 USD"})
        report = estimate(whole, None, PriceList(offer("0.69 USD")))
        assert report.budget is not None
        assert (str(report.budget.monthly), str(report.budget.left)) == ("600.00 USD", "96.30 USD")
        assert not said(report, Severity.ERROR)

    def test_to_the_cent_is_within_it(self) -> None:
        whole = farm([rented()], [], budget={"monthly": "503.70 USD"})
        report = estimate(whole, None, PriceList(offer("0.69 USD")))
        assert not said(report, Severity.ERROR)

    def test_over_it_is_an_error_with_the_lines_that_push_it_over(self) -> None:
        hosts = [host("box", owned={"price": "480 USD"}), rented()]
        whole = farm(hosts, [], budget={"monthly": "400 USD"})
        report = estimate(whole, None, PriceList(offer("0.69 USD")))
        wrong = next(d for d in report.diagnostics if d.severity is Severity.ERROR)
        # 10.00 + 503.70 = 513.70; - 400 = 113.70
        assert wrong.summary == (
            "the farm costs 513.70 USD a month, 113.70 USD more than the budget"
        )
        assert wrong.detail == "what pushes it over: hosts.cloud rent 503.70 USD"
        assert wrong.where == "budget.monthly"
        assert "`monthly: 514 USD`" in (wrong.advice or "")
        assert report.budget is not None
        assert report.budget.left == money("-113.70 USD")

    def test_what_is_paid_already_is_shown_and_not_held_against_it(self) -> None:
        hosts = [host("box", owned={"price": "480 USD", "paid": True}), rented()]
        whole = farm(hosts, [], budget={"monthly": "503.70 USD"})
        report = estimate(whole, None, PriceList(offer("0.69 USD")))
        assert str(report.monthly) == "513.70 USD"
        assert lines(report)[0] == ("hosts.box", "purchase", "10.00 USD",
                                    "480.00 USD / 48 months, paid already")  # fmt: skip
        assert report.budget is not None
        assert (str(report.budget.left), str(report.budget.sunk)) == ("0.00 USD", "10.00 USD")
        assert not said(report, Severity.ERROR)
        less = estimate(farm(hosts, [], budget={"monthly": "503.69 USD"}), None,
                        PriceList(offer("0.69 USD")))  # fmt: skip
        wrong = said(less, Severity.ERROR)
        assert "503.70 USD a month beside 10.00 USD of what is paid already, 0.01 USD" in wrong


@pytest.mark.parametrize(("today", "stale"), [("2026-12-10", False), ("2026-12-11", True)])
def test_quotes_older_than_a_month_are_marked(today: str, stale: bool) -> None:
    prices = PriceList(offer("1.00 USD"))  # as of 2026-11-09
    report = estimate(farm([rented()], []), None, prices, AgeLimit(date.fromisoformat(today)))
    found = said(report, Severity.WARNING)
    assert found == ("the price for rent of hosts.cloud is 32 days old" if stale else "")


def test_a_small_farm_to_the_cent() -> None:
    """One of each, summed by hand.

    brain   purchase  16,000 USD / 48 months                             =    333.33 USD
            energy    100 W x 80% + 700 W x 20% = 220 W; x 730 h = 160.6 kWh
                      x 0.37 EUR = 59.422 EUR; x 1.1637                  =     69.15 USD
    coder   energy    450 W (data sheet) x 730 h = 328.5 kWh
                      x 0.37 EUR = 121.545 EUR; x 1.1637                 =    141.44 USD
    cloud   rent      0.69 USD x 50 h x 730/168 = 217.2619 h             =    149.91 USD
            storage   100 GB x (0.10 x 217.2619 + 0.20 x 512.7381)/730   =     17.02 USD
    hetz    rent      214 EUR x 1.1637                                   =    249.03 USD
                                                                         ----------------
                                                                              959.88 USD
    """
    hosts = [
        host("brain", cards(1), ram=192 * GIB, owned={"price": "16000 USD", "years": 4},
             power={"idle": 100, "loaded": 700, "duty": "20%"}),
        host("coder", cards(1)),
        host("vm", within="brain"),
        rented(name="cloud", hours="mon-fri 09:00-19:00 Europe/Berlin", disk="100GB"),
        host("hetz", cards(1, device("rtx-pro-4000")), ram=None,
             rent={"provider": "cheap", "gpu": "rtx-pro-4000"}),
    ]  # fmt: skip
    prices = PriceList(
        offer("0.69 USD"),
        offer("214 EUR", gpu="rtx-pro-4000", per="month"),
        storage=(storage("0.10 USD", "0.20 USD"),),
        rates={("EUR", "USD"): "1.1637"},
    )
    budget = {"monthly": "1000 USD", "electricity": "0.37 EUR/kWh"}
    report = estimate(farm(hosts, [], budget=budget), None, prices)
    assert [(li.resource, li.kind.value, str(li.monthly)) for li in report.lines] == [
        ("hosts.brain", "purchase", "333.33 USD"),
        ("hosts.brain", "energy", "69.15 USD"),
        ("hosts.coder", "energy", "141.44 USD"),
        ("hosts.cloud", "rent", "149.91 USD"),
        ("hosts.cloud", "storage", "17.02 USD"),
        ("hosts.hetz", "rent", "249.03 USD"),
    ]
    assert str(report.monthly) == "959.88 USD"
    assert report.budget is not None
    assert report.budget.left.amount == Decimal("40.12")
    assert not said(report, Severity.ERROR)
