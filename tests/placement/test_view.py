"""How a placement is drawn. Golden files: PLANNER_UPDATE_GOLDEN=1 pytest tests/placement."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from planner.diagnostics import note
from planner.farm import Placement
from planner.placement.place import place
from planner.sizing.values import DeviceSize, HostSize, SizeReport, Speed, Term
from planner.units import GIB
from planner.views.columns import aligned, cells, clip, pad
from planner.views.size import size_to_dict, size_to_text
from planner.views.terminal import Style
from tests.placement.builders import cards, device, farm, host, model, report
from tests.placement.golden_text import assert_golden

GOLDEN = Path(__file__).with_name("golden")
BIG = device("rtx-pro-6000-blackwell-workstation", 97887)


def size(model, host, devices) -> SizeReport:
    """A model of 16 GiB a card with a pool, or 40 GiB in RAM."""
    if not devices:
        told = report(model, (), 0, 0)
        ram = (Term("weights", 40 * GIB, "mapped"), Term("kv_cache", 4 * GIB, "64k tokens"))
        return replace(told, host=HostSize(ram), kv_capacity_tokens=65536, decode=Speed(4, 5.5, 7))
    terms = (
        Term("weights", 16 * GIB, "8,190,735,360 parameters x 2 B", "https://example.org/index"),
        Term("kv_cache", 4 * GIB, "what is left of 90%"),
        Term("adapters", GIB, "2 slots of rank 32"),
        Term("runtime", GIB // 2, "CUDA context"),
    )
    shares = tuple(DeviceSize(d.device.id, d.index, d.memory_bytes, terms) for d in devices)
    told = report(model, devices, 0, 4 * GIB)
    return replace(told, devices=shares, kv_capacity_tokens=29127)


@pytest.fixture
def homelab() -> Placement:
    hosts = [
        host("brain", cards(2, BIG), ram=192 * GIB),
        host("vm", ram=16 * GIB, disk=10**11, within="brain"),
        host("silent", ram=1024 * GIB),
        host("cloud", cards(1), ram=None, rent={"provider": "runpod", "gpu": "rtx-4090"}),
    ]
    models = [
        model("agi", tensor_parallel=2, on="brain"),
        model("code", replicas=2, extra_args=["--gpu-memory-utilization=0.3"]),
        model("quiet", engine="llama.cpp", context=65536, on="silent"),
    ]
    return place(farm(hosts, models), size)[0]


def test_text(homelab: Placement) -> None:
    assert_golden(GOLDEN / "homelab.txt", size_to_text(homelab, Style()))


def test_ascii(homelab: Placement) -> None:
    text = size_to_text(homelab, Style(unicode=False))
    assert_golden(GOLDEN / "homelab-ascii.txt", text)
    assert text.isascii()


def test_explain(homelab: Placement) -> None:
    assert_golden(GOLDEN / "explain.txt", size_to_text(homelab, Style(), explain=True))


def test_json(homelab: Placement) -> None:
    data = size_to_dict(homelab, (note("assumed 4 slots", "models", "quiet"),))
    assert_golden(GOLDEN / "homelab.json", json.dumps(data, indent=2) + "\n")


def test_colour_adds_nothing_but_colour(homelab: Placement) -> None:
    drawn = size_to_text(homelab, Style(color=True))
    assert "\x1b[" in drawn
    assert re.sub(r"\x1b\[[0-9;]*m", "", drawn) == size_to_text(homelab, Style())


def test_an_empty_farm() -> None:
    empty, _ = place(farm([], []), size)
    assert size_to_text(empty, Style()) == "test: no models, nothing to place\n"
    assert size_to_dict(empty, ())["fits"] is True


def test_what_was_left_out_does_not_fit() -> None:
    lost, found = place(farm([], [model("a", replicas=2)]), size)
    assert size_to_dict(lost, found)["fits"] is False
    assert size_to_dict(lost, ())["fits"] is False
    text = size_to_text(lost, Style())
    assert "2 of 2 replicas have no place" in text
    assert "no place: models.a[0], models.a[1]" in text


def test_a_bar_of_an_overfull_card_stays_in_its_frame() -> None:
    told = farm([host("box", cards(1))], [model("a", engine="llama.cpp", gpu_layers=9)])
    seat = place(told, lambda m, h, d: report(m, d, GIB))[0].replicas[0]
    full = DeviceSize("rtx-4090", 0, 24 * GIB, (Term("weights", 99 * GIB, ""),))
    over = replace(seat, report=replace(seat.report, devices=(full,)))
    text = size_to_text(Placement(told, (over,)), Style())
    bar = re.search(r"\[(W+)\]", text)
    assert bar is not None
    assert len(bar[1]) == 29


names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=40).map(lambda s: "a" + s[1:])


@example("a" * 37, "a" * 38, 80, "a" * 60)
@given(names, names, st.integers(80, 100), st.sampled_from(["a" * 60, "\x1b[31mred", "宽" * 40]))
def test_no_line_is_wider_than_the_terminal_or_steers_it(
    host_name: str, model_name: str, width: int, odd: str
) -> None:
    box = host(host_name, cards(1, device(odd)), cpu=None)
    box = box._replace(address=odd)
    placement, _ = place(farm([box], [model(model_name)]), lambda m, h, d: report(m, d, GIB))
    text = size_to_text(placement, Style(width=width), explain=True)
    assert max(cells(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


def test_columns_count_cells_not_characters() -> None:
    assert cells("宽a") == 3
    assert cells("e\u0301") == 1
    assert pad("宽", 4) == "宽  "
    assert clip("宽宽宽", 5) == "宽宽~"
    assert clip("abc", 3) == "abc"
    assert aligned([("a", "1"), ("宽", "22")], right=frozenset({1})) == ["a    1", "宽  22"]
