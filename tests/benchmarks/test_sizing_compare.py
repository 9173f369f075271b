"""The table beside other tools: what is compared of a case, and how errors are counted."""

from __future__ import annotations

import pytest

from benchmarks.sizing_compare import Row, figures, planner_says, table
from planner.units import GIB, MIB

LOGGED = {
    "model": "Qwen3-30B-A3B", "engine": "llama.cpp", "gguf_quant": "Q4_K_M", "n_ctx": 8192,
    "n_parallel": 1, "n_ubatch": 512, "cache_k": "f16", "cache_v": "f16",
    "measured": {"file_gib": 17.28, "kv_mib": 768.0},
}  # fmt: skip
SPED = {
    "model": "Qwen3-8B", "engine": "llama.cpp", "quant": "Q4_K_M", "hardware": "RTX 4090",
    "kind": "gpu", "n_ctx_depth": 0, "tg_tps": 130.0,
}  # fmt: skip


def test_a_case_gives_its_file_and_its_buffer() -> None:
    file, buffer = figures(LOGGED)
    assert (file.measure, file.real) == ("GGUF file", 17.28 * GIB)
    assert planner_says(file) == pytest.approx(file.real, rel=0.001)
    assert planner_says(buffer) == buffer.real == 768 * MIB


def test_a_quantized_cache_and_several_cards_are_left_out() -> None:
    assert [f.measure for f in figures({**LOGGED, "cache_k": "q8_0"})] == ["GGUF file"]
    assert [f.measure for f in figures(SPED)] == ["decode tokens/s"]
    assert not list(figures({**SPED, "hardware": "RTX 4090 x2"}))


def test_errors_are_counted_of_answers_only() -> None:
    _, buffer = figures(LOGGED)
    rows = [
        Row(buffer, {"planner": buffer.real, "llmfit": None, "hf-mem": buffer.real * 2}),
        Row(buffer, {"planner": buffer.real * 1.1, "llmfit": buffer.real / 2, "hf-mem": None}),
    ]
    _, planner, llmfit, hf_mem = (line.split() for line in table(rows))
    assert planner[2:] == ["planner", "2", "of", "2", "5.00%", "10.00%", "10.00%", "1"]
    assert llmfit[3:7] == ["1", "of", "2", "50.00%"]
    assert hf_mem[3:7] == ["1", "of", "2", "100.00%"]
