"""The cost of the home laboratory that ships, against a sum done by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from planner import costing, workflows
from planner.cost.age import AgeLimit
from planner.cost.values import CostReport

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "homelab.yaml"

# Prices: 0.74 USD/h for a secure RTX 4090 (runpod.io/pricing, 2026-09-13); volume disk 0.10 USD per
# GB and month running, 0.20 stopped (docs.runpod.io, 2026-08-20); 1 EUR = 1.1637 USD (2026-05-27).
# The rest stands in inventory/home.yaml and in the blueprint (0.37 EUR/kWh). 50 h a week are
# 50 x 730 / 168 = 217.2619 h a month.
BY_HAND = [
    # 16,000 USD / 48 months
    ("hosts.brain", "purchase", "333.33"),
    # 110 W x 80% + 800 W x 20% = 248 W; 181.04 kWh; 66.9848 EUR; x 1.1637
    ("hosts.brain", "energy", "77.95"),
    # 3,200 USD / 48 months
    ("hosts.coder", "purchase", "66.67"),
    # 70 W x 75% + 560 W x 25% = 192.5 W; 140.525 kWh; 51.9943 EUR; x 1.1637
    ("hosts.coder", "energy", "60.51"),
    # 9,000 USD / 60 months
    ("hosts.silent", "purchase", "150.00"),
    # 140 W x 70% + 420 W x 30% = 224 W; 163.52 kWh; 60.5024 EUR; x 1.1637
    ("hosts.silent", "energy", "70.41"),
    # 0.74 USD x 217.2619 h
    ("hosts.cloud", "rent", "160.77"),
    # 100 GB x (0.10 x 217.2619 + 0.20 x 512.7381) / 730
    ("hosts.cloud", "storage", "17.02"),
]
TOTAL = "936.66"


@pytest.fixture(scope="module")
def report() -> CostReport:
    validated = workflows.validate(BLUEPRINT)
    return costing.estimate(validated, AgeLimit(date(2026, 11, 23)))[0]


def test_every_line_agrees_to_the_cent(report: CostReport) -> None:
    lines = [(li.resource, li.kind.value, str(li.monthly.amount)) for li in report.lines]
    assert lines == BY_HAND
    assert str(report.monthly.amount) == TOTAL


def test_every_host_is_named(report: CostReport) -> None:
    named = {line.resource for line in report.lines} | {d.where for d in report.diagnostics}
    assert {f"hosts.{name}" for name in ("brain", "coder", "silent", "n8n-vm", "cloud")} <= named


def test_every_price_has_a_source_and_a_date(report: CostReport) -> None:
    quoted = [line for line in report.lines if line.kind.value in ("rent", "storage")]
    assert [line.as_of for line in quoted] == ["2026-09-13", "2026-08-20"]
    assert all(line.source.startswith("https://") for line in quoted)


def test_it_is_within_its_budget(report: CostReport) -> None:
    # the three purchases are paid: 333.33 + 66.67 + 150.00 = 550.00 are not held against it;
    # 936.66 - 550.00 = 386.66, and 400.00 - 386.66 = 13.34
    assert report.budget is not None
    assert str(report.budget.monthly) == "400.00 USD"
    assert str(report.budget.sunk) == "550.00 USD"
    assert str(report.budget.left) == "13.34 USD"
