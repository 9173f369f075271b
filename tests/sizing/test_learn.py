"""Measured terms beside computed ones, and in their place."""

from __future__ import annotations

from dataclasses import replace

from planner.sizing.learn import compare, corrected
from planner.sizing.measured import Learned, Measured, Share, learned_from_json, learned_to_json
from planner.sizing.values import DeviceSize, HostSize, SizeReport, Term
from planner.units import GIB

TERMS = (
    Term("weights", 8 * GIB, "8 B parameters", "shapes"),
    Term("kv_cache", 10 * GIB, "what is left", "identity"),
    Term("graphs", 0, "none"),
    Term("runtime", GIB, "libraries"),
)
CARD = DeviceSize("rtx-4090", 0, 24 * GIB, TERMS)
HOST = HostSize((Term("weights", GIB, "embedding"),))
REPORT = SizeReport("m", "vllm", True, (CARD,), HOST, 100, 1000, 2000, None, None)
WHEN = "2026-11-23T10:00:00+00:00"


def learned(*devices: Share, host: Share = Share(), kv_tokens: int | None = None) -> Learned:  # noqa: B008
    return Learned("box", WHEN, Measured(devices, host, kv_tokens))


def test_only_what_was_measured_is_replaced() -> None:
    after = corrected(REPORT, learned(Share(9 * GIB, None, None, 0), kv_tokens=900))
    weights, *rest = after.devices[0].terms
    assert weights.bytes == 9 * GIB
    assert weights.why.startswith(
        "measured on box by the engine, 2026-11-23; computed 8.00 GiB: 8 B"
    )
    assert tuple(rest) == TERMS[1:]
    assert after.host == HOST
    assert (after.kv_capacity_tokens, after.fits) == (900, True)


def test_the_lesson_keeps_predicted_and_real() -> None:
    after = corrected(REPORT, learned(Share(10 * GIB), host=Share(2 * GIB), kv_tokens=800))
    assert after.lesson is not None
    rows = [
        (r.place, r.term, r.predicted, r.real, round(r.percent or 0)) for r in after.lesson.rows
    ]
    assert rows == [
        ("rtx-4090 #0", "weights", 8 * GIB, 10 * GIB, -20),
        ("RAM", "weights", GIB, 2 * GIB, -50),
        ("pool", "kv_tokens", 1000, 800, 25),
    ]


def test_a_measured_card_that_overflows_does_not_fit() -> None:
    assert not corrected(REPORT, learned(Share(20 * GIB))).fits


def test_nothing_measured_changes_nothing() -> None:
    assert corrected(REPORT, learned()) is REPORT


def test_one_rank_speaks_for_equal_cards_only() -> None:
    second = replace(CARD, index=1)
    pair = replace(REPORT, devices=(CARD, second))
    assert len(compare(pair, Measured((Share(9 * GIB),)))) == 2
    uneven = replace(second, terms=TERMS[1:])
    assert compare(replace(pair, devices=(CARD, uneven)), Measured((Share(9 * GIB),))) == ()


def test_weights_logged_with_adapter_slots_are_not_taken_for_weights() -> None:
    card = replace(CARD, terms=(*TERMS, Term("adapters", GIB, "2 slots")))
    rows = compare(replace(REPORT, devices=(card,)), Measured((Share(9 * GIB, 9 * GIB),)))
    assert [row.term for row in rows] == ["kv_cache"]


def test_a_real_zero_has_no_percentage() -> None:
    (row,) = compare(REPORT, Measured((Share(None, 0),)))
    assert row.percent is None


def test_a_measurement_survives_json() -> None:
    item = learned(Share(1, None, 3, 4), Share(), host=Share(5), kv_tokens=6)
    assert learned_from_json(learned_to_json(item)) == item
