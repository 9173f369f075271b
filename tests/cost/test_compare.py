"""Other ways to have a farm. Golden files: PLANNER_UPDATE_GOLDEN=1 pytest tests/cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from planner.catalogue.find_part import cpu_row, device_row
from planner.cost.age import AgeLimit
from planner.cost.values import Charge, CostKind, CostReport
from planner.cost.ways.compare import Market, compare
from planner.cost.ways.cpu import on_cpu
from planner.cost.ways.values import Comparison, Verdict, Way, break_even
from planner.farm import FarmHost, FarmModel, HostDevice, Placed, Placement
from planner.money import Money
from planner.sizing.values import HostSize, SizeReport, Speed, Term
from planner.sources.catalogue import PackagedCatalogue
from planner.units import GIB
from planner.views.columns import cells
from planner.views.cost_compare import compare_to_dict, compare_to_markdown, compare_to_text
from planner.views.terminal import Style
from tests.cost.price_list import PriceList, offer, storage
from tests.placement.builders import cards, farm, host, model, report
from tests.placement.golden_text import assert_golden

GOLDEN = Path(__file__).with_name("golden")
READER = PackagedCatalogue()
CARD = device_row(READER, "rtx-4090")
CPU = cpu_row(READER, "epyc-9374f")
LIMIT = AgeLimit(date(2026, 11, 23))
RENT = {"provider": "cheap", "gpu": "rtx-4090", "disk": "100GB"}
# Bytes a second of each kind of card, relative: what a real sizing would get from bandwidth.
SPEED = {"rtx-4090": 100, "l40s": 80, "rtx-3090": 90, "": 8}


def size(model: FarmModel, host: FarmHost, devices: tuple[HostDevice, ...]) -> SizeReport:
    """20 GiB a replica, on cards or in RAM; as fast as the card is."""
    speed = SPEED[devices[0].device.id if devices else ""]
    made = report(model, devices, 20 * GIB // max(1, len(devices)))
    ram = HostSize((Term("weights", 20 * GIB, "told"),)) if not devices else HostSize()
    return replace(made, host=ram, decode=Speed(speed * 0.8, speed, speed * 1.2))


def placement(*hosts: FarmHost, **document: object) -> Placement:
    """A replica of one model on every host with cards."""
    chat = model("chat", replicas=len(hosts))
    whole = farm(list(hosts), [chat], **document)
    replicas = (
        Placed(chat, n, item, item.devices, size(chat, item, item.devices), 8000 + n)
        for n, item in enumerate(hosts)
        if item.devices
    )
    return Placement(whole, tuple(replicas))


def own(**spec: object) -> FarmHost:
    return host("box", cards(1, CARD), owned={"price": "4800 USD"}, power=POWER, **spec)


POWER = {"idle": 100, "loaded": 500, "duty": "25%"}
BUDGET = {"monthly": "400 USD", "electricity": "0.30 USD/kWh"}


def compared(*hosts: FarmHost, prices: PriceList | None = None) -> Comparison:
    market = prices or PriceList(
        offer("0.69 USD"), offer("0.90 USD", gpu="l40s"), storage=(storage("0.10 USD"),)
    )
    return compare(placement(*hosts, budget=BUDGET), Market(market, READER, CPU, LIMIT), size)


def way(comparison: Comparison, start: str) -> Way:
    return next(item for item in comparison.others if item.name.startswith(start))


def test_an_own_card_beside_the_same_card_rented() -> None:
    """Own: 4,800 USD / 48 = 100; 200 W x 730 h = 146 kWh x 0.30 = 43.80; together 143.80.

    Rented: 0.69 x 730 = 503.70; the disk holds 20 GiB and a quarter, in steps of 50 GB: 50 GB x
    0.10 = 5.00; together 508.70. Break-even: 4,800 / (508.70 - 43.80) = 10.3 months.
    """
    found = compared(own())
    rented = way(found, "rent at Cheap")
    assert str(found.written.report.monthly) == "143.80 USD"
    assert str(rented.report.monthly) == "508.70 USD"
    assert rented.changed == (("box", "1 x rtx-4090, secure"),)
    assert rented.break_even is not None
    assert (rented.break_even.verdict, rented.break_even.months) == (
        Verdict.UNTIL, Decimal("10.3"),
    )  # fmt: skip
    assert [s.tokens_per_second for s in rented.speeds] == [100]
    assert not any(item.name == "buy" for item in found.others)  # it is bought already


def test_a_rented_card_beside_a_bought_one() -> None:
    """Rented: 503.70 + 100 GB x 0.10 = 513.70. Bought: 2,977 USD (the newest price of a new one),
    450 W x 730 h x 0.30 = 98.55 a month; 2,977 / (513.70 - 98.55) = 7.2 months, at least, because
    the machine around the card is not priced.
    """
    found = compared(host("cloud", cards(1, CARD), ram=None, rent=RENT))
    bought = way(found, "buy")
    assert str(found.written.report.monthly) == "513.70 USD"
    assert str(bought.report.running) == "98.55 USD"
    assert str(bought.break_even) == "after >7.2 months"
    assert any("only the cards are priced" in said for said in bought.remarks)


def test_a_cpu_is_priced_by_its_ram_alone_and_shows_how_slow_it_is() -> None:
    """20 GiB and 8 GiB for the system make 64 GiB: one module for 900 USD; 900 / 48 = 18.75.

    320 W x 730 h = 233.6 kWh x 0.30 = 70.08, counted as loaded, for its idle watts are not known.
    """
    cpu = way(compared(own()), "CPU and RAM")
    assert cpu.changed == (("box", "epyc-9374f with 64 GiB"),)
    assert str(cpu.report.monthly) == "88.83 USD"
    assert [s.tokens_per_second for s in cpu.speeds] == [8]
    assert cpu.partial
    # (4,800 - 900) / (70.08 - 43.80) = 148.4 months, at most: it costs more than its RAM
    assert str(cpu.break_even) == "until <148.4 months"
    assert any("CPU, board and case are not counted" in said for said in cpu.remarks)


def test_a_provider_without_the_card_gives_the_cheapest_larger_one_that_fits() -> None:
    prices = PriceList(
        offer("0.50 USD", gpu="rtx-5080"),  # 16 GB: too small
        offer("0.90 USD", gpu="l40s"),
        offer("2.00 USD", gpu="h100-sxm"),
    )
    rented = way(compared(own(), prices=prices), "rent at Cheap")
    assert rented.changed == (("box", "1 x l40s, secure"),)
    assert [s.tokens_per_second for s in rented.speeds] == [80]


def test_a_host_that_nobody_can_take_stays_as_it_is() -> None:
    small = PriceList(offer("0.50 USD", gpu="rtx-5080"))
    assert not any(w.name.startswith("rent") for w in compared(own(), prices=small).others)
    pair = (own(), host("big", cards(1, device_row(READER, "b200-sxm"))))
    SPEED["b200-sxm"] = 300
    rented = way(compared(*pair), "rent at Cheap")
    assert rented.kept == ("big",)
    assert [host for host, _ in rented.changed] == ["box"]


def test_a_farm_without_cards_has_nothing_to_compare() -> None:
    found = compared(host("node"))
    assert found.others == ()
    assert "no host has a card" in found.diagnostics[-1].summary


@pytest.mark.parametrize(
    ("quant", "engine", "becomes"),
    [
        ("bf16", "vllm", ("llama.cpp", "bf16")),
        ("fp8", "vllm", ("llama.cpp", "Q8_0")),
        ("awq", "sglang", ("llama.cpp", "Q4_K_M")),
        ("Q5_K_M", "llama.cpp", ("llama.cpp", "Q5_K_M")),
        (None, "vllm", ("llama.cpp", "bf16")),
        (None, "text-embeddings-inference", ("text-embeddings-inference", None)),
    ],
)
def test_what_a_model_becomes_on_a_cpu(
    quant: str | None, engine: str, becomes: tuple[str, str | None]
) -> None:
    spec = {"quant": quant} if quant else {}
    made = on_cpu(model("chat", engine=engine, tensor_parallel=2, **spec))
    assert (made.engine, made.spec.quant) == becomes
    assert made.spec.tensor_parallel is None


def costs(once: str, running: str) -> CostReport:
    """A report of one purchase and one rent."""
    from planner.cost.exchange import to_lines

    paid = Money(Decimal(once), "USD")
    charges = [
        Charge("hosts.a", CostKind.PURCHASE, paid * Decimal("0.02"), "", once=paid),
        Charge("hosts.a", CostKind.RENT, Money(Decimal(running), "USD"), ""),
    ]
    lines, _ = to_lines(charges, "USD", PriceList())
    return CostReport("USD", lines, None, (), ())


@pytest.mark.parametrize(
    ("once", "running", "partial", "said"),
    [
        ("1000", "100", False, "costs the same"),
        ("0", "50", False, "from the start"),
        ("1000", "50", False, "from the start"),
        ("2000", "100", False, "never"),
        ("2000", "200", False, "never"),
        ("2200", "50", False, "after 24.0 months"),
        ("0", "200", False, "until 10.0 months"),
        ("1050", "50", False, "after 1.0 month"),
        ("0", "50", True, "not known"),
        ("2200", "50", True, "after >24.0 months"),
        ("0", "200", True, "until <10.0 months"),
        ("2000", "200", True, "never"),
    ],
)
def test_break_even(once: str, running: str, partial: bool, said: str) -> None:
    written = costs("1000", "100")
    assert str(break_even(written, costs(once, running), partial=partial)) == said


def test_two_currencies_are_not_compared() -> None:
    with pytest.raises(ValueError, match="convert first"):
        break_even(costs("1", "1"), replace(costs("1", "1"), currency="EUR"))


@pytest.fixture(scope="module")
def sample() -> Comparison:
    return compared(own(), host("cloud", cards(1, CARD), ram=None, rent=RENT))


Draw = Callable[[Comparison], str]


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("compare.txt", lambda found: compare_to_text(found, Style())),
        ("compare.md", compare_to_markdown),
        ("compare.json", lambda found: json.dumps(compare_to_dict(found), indent=2) + "\n"),
    ],
)
def test_drawn(name: str, draw: Draw, sample: Comparison) -> None:
    assert_golden(GOLDEN / name, draw(sample))


def test_no_line_is_wider_than_80(sample: Comparison) -> None:
    drawn = compare_to_text(sample, Style())
    assert max(cells(line) for line in drawn.splitlines()) <= 80


def test_json_holds_no_float(sample: Comparison) -> None:
    def no_float(text: str) -> float:
        raise AssertionError(f"{text} is a float")

    json.loads(json.dumps(compare_to_dict(sample)), parse_float=no_float)
