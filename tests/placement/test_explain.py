"""What is said of a farm that does not fit: short, irreducible, and every way out tried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner.diagnostics import Severity
from planner.farm import Farm
from planner.money import parse_money
from planner.placement.conflict import conflict, requirements
from planner.placement.cpsat import solve as cpsat
from planner.placement.place import place
from planner.placement.trial import Bench
from planner.placement.ways_out import Market
from planner.units import GIB
from planner.views.messages import draw_diagnostics
from planner.views.terminal import Style
from tests.placement.builders import cards, device, farm, host, model, report, sizer
from tests.placement.golden_text import assert_golden

GOLDEN = Path(__file__).with_name("golden")


def size(model, host, devices):
    """Half a GiB and 128 KiB a token beside the weights, which shrink when quantized."""
    weights = {"chat": 18, "code": 15, "small": 9, "more": 21, "last": 30}[model.name] * GIB
    weights //= {None: 1, "fp8": 2, "awq": 4}[model.spec.quant]
    each = 128 * 1024
    need = weights + GIB // 2 + (model.context or 0) * each
    card = devices[0].memory_bytes * len(devices) if devices else 64 * GIB
    most = max(0, (card - weights - GIB // 2) // each)
    told = report(model, devices, need // max(1, len(devices)), max_context=most)
    return replace(told, kv_capacity_tokens=None)


def crowded() -> Farm:
    hosts = [host("box", cards(1), keep_free={"vram": "2GiB"}), host("old", cards(1))]
    models = [
        model("chat", context=65536),
        model("code", on="box"),
        model("small", on="old"),
        model("more", context=16384),
        model("last", replicas=3),
    ]
    return farm(hosts, models)


def market() -> Market:
    big = device("h100-sxm-80gb", 81559)
    rented = host("rented", cards(1, big), ram=None, rent={"provider": "runpod", "gpu": big.id})
    return Market(((rented, parse_money("1818.70 USD")),), ((big, parse_money("22000 USD")),))


def test_a_crowded_farm_explains_itself_in_twelve_lines() -> None:
    _, found = place(crowded(), size, market=market)
    errors = [item for item in found if item.severity is Severity.ERROR]
    text = draw_diagnostics(errors, Style()) + "\n"
    assert len(text.splitlines()) <= 12
    assert "GiB" in text
    assert_golden(GOLDEN / "crowded.txt", text)


def test_one_rented_card_is_offered_with_its_price_where_it_helps() -> None:
    whole = farm([host("box", cards(1))], [model("big", context=1024)])
    _, found = place(whole, sizer({"big": 60 * GIB}, {}), market=market)
    advice = next(item for item in found if item.severity is Severity.ERROR).advice
    assert advice is not None
    assert "rent 1 x h100-sxm-80gb of runpod for 1,818.70 USD a month" in advice
    assert "buy one h100-sxm-80gb for box, from 22,000.00 USD" in advice


def test_each_of_several_that_fit_nowhere_is_told_what_helps_it() -> None:
    whole = farm(
        [host("box", cards(1))], [model("last", context=65536), model("chat", context=65536)]
    )
    _, found = place(whole, size, market=market)
    said = {d.path[1]: d.advice for d in found if d.severity is Severity.ERROR}
    assert said["last"] == "write `quant: fp8` under models.last: it then fits on box"
    assert said["chat"] == "write `context: 43k` under models.chat: it then fits on box"


def test_a_model_that_no_empty_card_holds_is_told_what_is_missing_and_not_who_is_there() -> None:
    whole = farm([host("box", cards(1))], [model("here"), model("huge")])
    _, found = place(whole, sizer({"here": 20 * GIB, "huge": 58 * GIB}))
    (said,) = (d.detail for d in found if d.severity is Severity.ERROR)
    assert said is not None
    assert said.startswith("box: rtx-4090 #0 lacks 34.01 GiB")


def test_a_quantization_and_a_shorter_context_help_together() -> None:
    whole = farm([host("box", cards(1))], [model("more", context=131072)])

    def told(model, host, devices):
        quant = model.spec.quant
        weights = {None: 30, "fp8": 26, "awq": 20}[quant] * GIB
        need = weights + (model.context or 0) * 128 * 1024
        return replace(report(model, devices, need), kv_capacity_tokens=None)

    _, found = place(whole, told)
    advice = next(item for item in found if item.severity is Severity.ERROR).advice
    assert advice == (
        "write `quant: awq` and `context: 16k` under models.more: it then fits on box"
    )


def test_what_helps_was_tried_on_the_whole_farm() -> None:
    """A quantization that fits alone is no way out where its card is taken."""
    whole = farm([host("box", cards(1))], [model("chat", on="box"), model("code", on="box")])

    def told(model, host, devices):
        need = {None: 23, "fp8": 22, "awq": 21}[model.spec.quant]
        return report(model, devices, need * GIB)

    _, found = place(whole, told)
    assert "write `quant" not in (found[0].advice or "")


def test_the_conflict_is_irreducible() -> None:
    hosts = [
        host("box", cards(1), ram=0, keep_free={"vram": "4GiB"}),
        host("free", cards(1), ram=0),
    ]
    models = [
        model("a", engine="llama.cpp", on="box"),
        model("b", engine="llama.cpp", on="box"),
        model("other", engine="llama.cpp", on="free"),
    ]
    whole, needs = farm(hosts, models), sizer({"a": 10 * GIB, "b": 11 * GIB, "other": GIB})
    bench = Bench(needs, {}, cpsat)
    found = conflict(whole, bench, frozenset({"b"}))
    assert set(found) == {
        "models.a", "models.a.on", "models.b", "models.b.on", "hosts.box.keep_free",
    }  # fmt: skip
    left = whole
    named = {r.name: r for r in requirements(whole, frozenset({"b"}))}
    for name in set(named) - set(found):
        left = named[name].without(left)
    assert bench.tried(left).unplaced
    assert all(not bench.tried(named[name].without(left)).unplaced for name in found)
    said = [d.detail or "" for d in place(whole, needs)[1] if d.severity is Severity.ERROR]
    assert "these cannot hold together" in said[0]


def test_nothing_is_searched_where_everything_fits() -> None:
    def never() -> Market:
        raise AssertionError("the market is asked only when something has no place")

    whole = farm([host("box", cards(1))], [model("a")])
    assert not place(whole, sizer({"a": GIB}), market=never)[0].left_out
    assert conflict(whole, Bench(sizer({"a": GIB}), {}, cpsat), frozenset()) == ()
