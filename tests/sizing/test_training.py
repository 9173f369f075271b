"""Training: worked numbers, published minimums, hours, and beside what a run may be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.diagnostics import Severity
from planner.sizing.training.hours import operations_per_token
from planner.sizing.training.memory import base_bytes, loss_chunk, terms, trained_parameters
from planner.sizing.training.size import train
from planner.sizing.training.values import Method, Optimizer, Targets, TrainReport, TrainRequest
from planner.sizing.values import Accelerator
from planner.units import MIB
from tests.sizing.models import architecture

CARD = Accelerator("rtx-4090", 24564 * MIB, None, None, 165_200_000_000_000)
A100 = Accelerator("a100", 81920 * MIB, None, None, 312_000_000_000_000)


def asked(model: str, method: Method, device: Accelerator = CARD, **options: Any) -> TrainRequest:
    return TrainRequest(model, architecture(model), method, (device,), **options)


def need(model: str, method: Method, **options: Any) -> float:
    return train(asked(model, method, **options)).need_bytes / 1e9


def said(report: TrainReport, severity: Severity) -> str:
    found = [item for item in report.diagnostics if item.severity is severity]
    return " ".join(f"{item.summary} {item.detail} {item.advice}" for item in found)


def test_lora_of_an_8b_model_term_by_term() -> None:
    shares = terms(asked("Qwen/Qwen3-8B", Method.LORA))
    assert [(term.name, round(term.bytes / 1e9, 2)) for term in shares] == [
        ("weights", 16.38),
        ("adapters", 0.70),
        ("checkpoints", 0.60),
        ("activations", 0.34),
        ("logits", 3.11),
        ("runtime", 1.0),
    ]
    assert round(need("Qwen/Qwen3-8B", Method.LORA), 1) == 22.1


def test_qlora_of_an_8b_model_term_by_term() -> None:
    shares = {term.name: term.bytes / 1e9 for term in terms(asked("Qwen/Qwen3-8B", Method.QLORA))}
    assert round(shares["weights"], 2) == 6.07
    assert round(shares["logits"], 1) == 0.1
    assert round(need("Qwen/Qwen3-8B", Method.QLORA), 1) == 8.8


@pytest.mark.parametrize(
    ("model", "rank", "targets", "count"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 16, Targets.ATTENTION, 13_631_488),
        ("meta-llama/Llama-3.1-8B-Instruct", 16, Targets.LINEAR, 41_943_040),
        ("Qwen/Qwen3-8B", 16, Targets.ATTENTION, 15_335_424),
        ("Qwen/Qwen3-8B", 16, Targets.LINEAR, 43_646_976),
        ("Qwen/Qwen2.5-7B-Instruct", 16, Targets.LINEAR, 40_370_176),
        ("Qwen/Qwen3-32B", 16, Targets.ATTENTION, 39_845_888),
        ("Qwen/Qwen3-32B", 16, Targets.LINEAR, 134_217_728),
        ("meta-llama/Llama-3.1-70B-Instruct", 16, Targets.LINEAR, 207_093_760),
        ("openai/gpt-oss-20b", 16, Targets.ATTENTION, 7_962_624),
        ("Qwen/Qwen3-30B-A3B", 16, Targets.ATTENTION, 13_369_344),
        ("Qwen/Qwen3-30B-A3B", 16, Targets.LINEAR, 13_369_344),
        ("Qwen/Qwen3-30B-A3B", 16, Targets.EXPERTS, 642_514_944),
    ],
)
def test_trained_parameters_are_those_of_peft(
    model: str, rank: int, targets: Targets, count: int
) -> None:
    assert trained_parameters(architecture(model), rank, targets) == count


@pytest.mark.parametrize(
    ("model", "qlora", "lora"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", 5, 19),
        ("meta-llama/Llama-3.1-8B-Instruct", 6, 22),
        ("google/gemma-2-9b-it", 6.5, 24),
        ("Qwen/Qwen3-14B", 8.5, 33),
        ("google/gemma-2-27b-it", 22, 64),
        ("Qwen/Qwen3-32B", 26, 76),
        ("meta-llama/Llama-3.1-70B-Instruct", 41, 164),
        ("meta-llama/Llama-3.1-405B-Instruct", 237, 950),
    ],
)
def test_published_minimums_lie_near(model: str, qlora: float, lora: float) -> None:
    """Unsloth's table: rounded and for its own kernels, so a band and no equality."""
    assert 0.84 < need(model, Method.LORA, fused_loss=True) / lora < 1.05
    assert 0.87 < need(model, Method.QLORA, sequence=1024) / qlora < 1.6


def test_published_mixture_of_experts() -> None:
    found = need("Qwen/Qwen3-30B-A3B", Method.LORA, targets=Targets.ATTENTION, fused_loss=True)
    assert found == pytest.approx(63, rel=0.02)


def test_qlora_leaves_experts_in_16_bit_and_says_so() -> None:
    report = train(asked("Qwen/Qwen3-30B-A3B", Method.QLORA))
    assert base_bytes(architecture("Qwen/Qwen3-30B-A3B"), Method.QLORA)[1] == 2 * 28_991_029_248
    assert not report.fits
    assert "experts in 16 bit" in said(report, Severity.WARNING)
    assert "experts in 16 bit" not in said(train(asked("Qwen/Qwen3-8B", Method.QLORA)),
                                           Severity.WARNING)  # fmt: skip


def test_what_is_advised_fits() -> None:
    small = replace(CARD, memory_bytes=12 * 2**30)
    report = train(asked("Qwen/Qwen3-8B", Method.LORA, small))
    assert not report.fits
    assert "--method qlora" in said(report, Severity.ERROR)
    assert train(asked("Qwen/Qwen3-8B", Method.QLORA, small)).fits


def test_the_fewest_devices_to_share_a_base_are_named() -> None:
    large = asked("meta-llama/Llama-3.1-70B-Instruct", Method.LORA)
    advice = said(train(large), Severity.ERROR)
    count = int(advice.partition("rtx-4090x")[2].partition(" ")[0])
    assert advice.endswith(f"--on rtx-4090x{count} --sharded")
    assert train(replace(large, devices=(CARD,) * count, sharded=True)).fits
    assert not train(replace(large, devices=(CARD,) * (count - 1), sharded=True)).fits


def test_fused_loss_takes_a_power_of_two_of_tokens() -> None:
    assert loss_chunk(2048, 151936, 4096) == 64


def test_hours_follow_a_measured_run() -> None:
    """Llama-3-8B on one A100: 4,079 tokens/s at 2,048, 3,529 at 8,192 (VectorLM)."""
    for sequence, rate in ((2048, 4079.28), (8192, 3528.93)):
        request = asked("meta-llama/Llama-3.1-8B-Instruct", Method.LORA, A100, rank=8,
                        sequence=sequence, pages=10_000)  # fmt: skip
        hours = train(request).hours
        assert hours is not None
        measured = 5_000_000 / rate / 3600
        assert hours.low < measured < hours.expected
        share = operations_per_token(request) * rate / 312e12
        assert share == pytest.approx(0.61, abs=0.02)


def test_qlora_takes_longer_by_what_was_measured() -> None:
    lora = train(asked("Qwen/Qwen3-8B", Method.LORA, pages=100)).hours
    qlora = train(asked("Qwen/Qwen3-8B", Method.QLORA, pages=100)).hours
    assert lora is not None
    assert qlora is not None
    assert 1.5 < qlora.expected / lora.expected < 2.1


def test_the_corpus_is_pages_times_tokens_times_epochs() -> None:
    report = train(asked("Qwen/Qwen3-8B", Method.LORA, pages=5000, tokens_per_page=600, epochs=3))
    assert report.tokens == 9_000_000
    once = train(asked("Qwen/Qwen3-8B", Method.LORA, pages=5000, tokens_per_page=600))
    assert report.hours is not None
    assert once.hours is not None
    assert report.hours.expected == pytest.approx(3 * once.hours.expected)


def test_unknown_stays_unknown() -> None:
    nameless = Accelerator("cuda", 24 * 2**30)
    report = train(asked("Qwen/Qwen3-8B", Method.LORA, nameless, pages=10))
    assert report.hours is None
    assert "unknown" in said(report, Severity.NOTE)
    assert train(asked("Qwen/Qwen3-8B", Method.LORA)).tokens is None
    lost = train(asked("Qwen/Qwen3-8B", Method.LORA, Accelerator("cuda")))
    assert not lost.fits


@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        ("BAAI/bge-m3", {}, "no language model"),
        ("Qwen/Qwen3-8B", {"targets": Targets.EXPERTS}, "no experts"),
        ("Qwen/Qwen3-8B", {"sequence": 100_000}, "positions for"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    model: str, options: dict[str, Any], expected: str
) -> None:
    report = train(asked(model, Method.LORA, replace(CARD, memory_bytes=2**45), **options))
    assert not report.fits
    assert expected in said(report, Severity.ERROR)


def test_a_rank_that_serving_rounds_is_noted() -> None:
    assert "slots of rank 32" in said(train(asked("Qwen/Qwen3-8B", Method.LORA, rank=24)),
                                      Severity.NOTE)  # fmt: skip


MODELS = ("Qwen/Qwen3-8B", "Qwen/Qwen3-30B-A3B", "google/gemma-3-4b-it", "Qwen/Qwen3.5-4B")
REQUESTS = st.builds(
    TrainRequest,
    model=st.just("m"),
    architecture=st.sampled_from([architecture(name) for name in MODELS]),
    method=st.sampled_from(Method),
    devices=st.integers(1, 4).map(lambda count: (CARD,) * count),
    rank=st.integers(1, 256),
    targets=st.sampled_from([Targets.ATTENTION, Targets.LINEAR]),
    optimizer=st.sampled_from(Optimizer),
    batch=st.integers(1, 8),
    sequence=st.integers(1, 4096),
    fused_loss=st.booleans(),
    sharded=st.booleans(),
    pages=st.integers(1, 10**6),
)


@given(REQUESTS)
def test_more_is_never_less(request: TrainRequest) -> None:
    here = terms(request)
    assert all(term.bytes >= 0 and term.why and term.source for term in here)
    for change in ({"rank": 2 * request.rank}, {"batch": request.batch + 1},
                   {"sequence": request.sequence + 1}):  # fmt: skip
        there = terms(replace(request, **change))
        assert all(b.bytes >= a.bytes for a, b in zip(here, there, strict=True))
    few, many = train(request).hours, train(replace(request, pages=(request.pages or 0) + 1)).hours
    assert few is not None
    assert many is not None
    assert few.low <= few.expected <= few.high
    assert few.expected < many.expected


@given(REQUESTS)
def test_sharding_never_takes_more_than_a_copy_and_a_layer(request: TrainRequest) -> None:
    copied = sum(term.bytes for term in terms(replace(request, sharded=False)))
    shared = sum(term.bytes for term in terms(replace(request, sharded=True)))
    a = request.architecture
    assert shared <= copied + 2 * a.parameters // len(a.layers)
