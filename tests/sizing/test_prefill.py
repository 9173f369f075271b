"""Prefill speed: each mechanism on its own, and public runs inside the band."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planner.catalogue.find_part import find_device
from planner.catalogue.match import Match
from planner.sizing.devices import accelerator
from planner.sizing.values import Accelerator, Speed
from tests.sizing.models import SHIPPED, card, report

MIXTURE = "Qwen/Qwen3-30B-A3B"
DENSE = "meta-llama/Llama-3.1-8B-Instruct"
LATENT = "deepseek-ai/DeepSeek-V2-Lite"


def _device(name: str) -> Accelerator:
    found = find_device(SHIPPED, name)
    assert isinstance(found, Match)
    return accelerator(found.row)


def _prefill(model: str, engine: str, *devices: Accelerator, **options: Any) -> Speed:
    found = report(model, engine, *devices, **options).prefill
    assert found is not None
    return found


def test_it_falls_with_depth() -> None:
    speeds = [
        _prefill(DENSE, "llama.cpp", card(24), quant="Q4_K_M", depth=depth).expected
        for depth in (0, 4096, 32_768)
    ]
    assert speeds[0] > speeds[1] > speeds[2]


def test_a_batch_reads_every_expert_once_so_a_larger_one_is_faster() -> None:
    spark = _device("dgx-spark-gb10")
    dense, mixture = (
        _prefill(model, "llama.cpp", spark, quant="Q8_0", ubatch=2048).expected
        / _prefill(model, "llama.cpp", spark, quant="Q8_0", ubatch=512).expected
        for model in (DENSE, MIXTURE)
    )
    assert 1 < dense < 1.2
    assert mixture > 1.2 * dense


def test_experts_in_ram_cross_pcie_once_a_batch() -> None:
    def speed(ubatch: int, generation: int) -> float:
        device = replace(card(24), pcie_generation=generation)
        options = {"quant": "Q4_K_M", "cpu_moe": 48, "ubatch": ubatch}
        return _prefill(MIXTURE, "llama.cpp", device, **options).expected

    on_card = _prefill(MIXTURE, "llama.cpp", card(24), quant="Q4_K_M", cpu_moe=0).expected
    assert speed(512, 4) < 0.8 * on_card
    assert speed(4096, 4) > 2 * speed(512, 4)
    assert speed(512, 5) > speed(512, 4) > speed(512, 3)


def test_unified_memory_has_nothing_to_upload() -> None:
    spark = _device("dgx-spark-gb10")
    here, there = (
        _prefill(MIXTURE, "llama.cpp", spark, quant="Q4_K_M", cpu_moe=count).expected
        for count in (0, 48)
    )
    assert here == there


def test_geforce_is_faster_with_16_bit_accumulation() -> None:
    full = _device("rtx-4090")
    assert full.fp16_accumulate_flops == 330_300_000_000_000
    half = replace(full, fp16_accumulate_flops=None)
    quick, slow = (
        _prefill(DENSE, "llama.cpp", device, quant="Q4_K_M").expected for device in (full, half)
    )
    assert 1.9 < quick / slow < 2.1


def test_only_llama_cpp_computes_latent_attention_in_the_latents_width() -> None:
    shallow, deep = (
        [
            _prefill(LATENT, engine, card(80), quant="Q4_K_M", depth=depth).expected
            for engine in ("llama.cpp", "ik_llama.cpp")
        ]
        for depth in (0, 32_768)
    )
    assert shallow[0] == shallow[1]
    assert deep[1] > 1.2 * deep[0]


def test_it_is_unknown_without_arithmetic() -> None:
    device = replace(card(24), flops=None)
    assert report(DENSE, "llama.cpp", device, quant="Q4_K_M").prefill is None


RUNS = (  # GPU-Benchmarks-on-LLM-Inference, May 2024; llama.cpp benches (GB10, M2 Ultra)
    ("a100-80-pcie", 1, DENSE, "F16", 7504.24),
    ("a100-80-pcie", 1, DENSE, "Q4_K_M", 5800.48),
    ("rtx-4090", 1, DENSE, "F16", 9056.26),
    ("rtx-4090", 2, DENSE, "Q4_K_M", 8545.00),
    ("rtx-a6000", 1, DENSE, "Q4_K_M", 3621.81),
    ("h100-pcie", 1, DENSE, "F16", 10342.63),
    ("apple-m2-ultra", 1, DENSE, "F16", 1202.74),
    ("apple-m2-ultra", 1, "openai/gpt-oss-120b", "MXFP4", 1648.69),
    ("rtx-pro-6000-blackwell-workstation", 1, "openai/gpt-oss-20b", "MXFP4", 5127.80),
)


@pytest.mark.parametrize(("name", "count", "model", "quant", "real"), RUNS)
def test_public_runs_lie_in_the_band(
    name: str, count: int, model: str, quant: str, real: float
) -> None:
    said = _prefill(model, "llama.cpp", *(_device(name),) * count, quant=quant)
    assert said.low <= real <= said.high
    assert said.expected == pytest.approx(real, rel=0.25)
