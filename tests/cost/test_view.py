"""How a cost report is drawn. Golden files: PLANNER_UPDATE_GOLDEN=1 pytest tests/cost."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from planner.cost.age import AgeLimit
from planner.cost.estimate import estimate
from planner.cost.values import CostReport
from planner.views.columns import cells
from planner.views.cost import cost_to_dict, cost_to_markdown, cost_to_text
from planner.views.terminal import Style
from tests.cost.price_list import PriceList, offer, storage
from tests.placement.builders import cards, farm, host
from tests.placement.golden_text import assert_golden

GOLDEN = Path(__file__).with_name("golden")
TODAY = date(2026, 11, 23)


def report(budget: str) -> CostReport:
    """An own host, a VM and a rented one."""
    rent = {
        "provider": "cheap",
        "gpu": "rtx-4090",
        "hours": "mon-fri 09:00-19:00 Europe/Berlin",
        "disk": "100GB",
    }
    power = {"idle": 100, "loaded": 700, "duty": "20%"}
    hosts = [
        host("brain", cards(1), owned={"price": "16000 USD"}, power=power),
        host("vm", within="brain"),
        host("cloud", cards(1), ram=None, rent=rent),
    ]
    prices = PriceList(
        offer("0.69 USD"),
        storage=(storage("0.10 USD", "0.20 USD"),),
        rates={("EUR", "USD"): "1.1637"},
    )
    document = {"monthly": budget, "electricity": "0.37 EUR/kWh"}
    return estimate(farm(hosts, [], budget=document), None, prices, AgeLimit(TODAY))


@pytest.fixture
def within() -> CostReport:
    return report("600 USD")


def test_text(within: CostReport) -> None:
    assert_golden(GOLDEN / "within.txt", cost_to_text(within, Style()))


def test_text_over_budget() -> None:
    assert_golden(GOLDEN / "over.txt", cost_to_text(report("400 USD"), Style()))


def test_markdown() -> None:
    assert_golden(GOLDEN / "over.md", cost_to_markdown(report("400 USD")))


def test_json(within: CostReport) -> None:
    assert_golden(GOLDEN / "within.json", json.dumps(cost_to_dict(within), indent=2) + "\n")


def test_json_has_the_keys_that_scripts_rely_on_and_no_floats(within: CostReport) -> None:
    data = cost_to_dict(within)
    assert list(data) == [
        "currency", "monthly", "hourly", "lines", "budget", "once",
        "hosts", "models", "roles", "idle", "per_million_tokens", "rates", "diagnostics",
    ]  # fmt: skip
    assert all(
        list(line)
        == ["resource", "kind", "monthly", "basis", "source", "as_of", "age_days", "stale"]
        for line in data["lines"]
    )
    assert list(data["budget"]) == ["monthly", "left"]

    def no_float(text: str) -> float:
        raise AssertionError(f"{text} is a float")

    json.loads(json.dumps(data), parse_float=no_float)


def test_lines_add_up_to_the_total(within: CostReport) -> None:
    cents = [round(float(line["monthly"]) * 100) for line in cost_to_dict(within)["lines"]]
    assert sum(cents) == round(float(cost_to_dict(within)["monthly"]) * 100)


def test_without_budget_and_without_lines() -> None:
    empty = estimate(farm([], []), None, PriceList())
    assert cost_to_dict(empty) == {
        "currency": "USD",
        "monthly": "0.00",
        "hourly": "0.0000",
        "lines": [],
        "budget": None,
        "once": "0.00",
        "hosts": [],
        "models": [],
        "roles": [],
        "idle": [],
        "per_million_tokens": [],
        "rates": [],
        "diagnostics": [],
    }
    assert cost_to_text(empty, Style()).startswith("no line has a known price")


def test_no_line_is_wider_than_the_terminal(within: CostReport) -> None:
    for width in (60, 80, 100):
        drawn = cost_to_text(within, Style(width=width))
        assert max(cells(line) for line in drawn.splitlines()) <= width


def test_colour_adds_nothing_but_colour(within: CostReport) -> None:
    drawn = cost_to_text(within, Style(color=True))
    assert "\x1b[" in drawn
    assert re.sub(r"\x1b\[[0-9;]*m", "", drawn) == cost_to_text(within, Style())


def test_markdown_cells_cannot_break_the_table() -> None:
    bad = host("box", owned={"price": "48 USD"})
    drawn = estimate(farm([bad], []), None, PriceList())
    line = replace(drawn.lines[0], basis="a | b\nc")
    assert "| a \\| b c |" in cost_to_markdown(replace(drawn, lines=(line,)))
