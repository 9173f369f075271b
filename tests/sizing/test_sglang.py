"""SGLang's pool: what its fraction leaves after the weights, divided by kind of layer."""

from __future__ import annotations

from typing import Any

import pytest

from planner.units import GIB
from tests.sizing.models import card, gib_of, report


def asked(name: str, **options: Any) -> tuple[float, int]:
    found = report(name, "sglang", card(80), quant="bf16", context=8192, **options)
    assert found.kv_capacity_tokens is not None
    return gib_of(found, "kv_cache") * GIB, found.kv_capacity_tokens


def test_the_pool_is_a_fraction_of_what_was_free_less_the_weights() -> None:
    """QwQ-32B on four cards of 24 GB, fraction 0.85: 21.63 x 0.85 - 15.54 = 2.85, printed 2.84."""
    found = report(
        "Qwen/QwQ-32B", "sglang", *[card(21.63 + 1.6)] * 4, quant="bf16", context=8192,
        gpu_memory_utilization=0.85,
    )  # fmt: skip
    assert gib_of(found, "kv_cache") == pytest.approx(2.84, abs=0.3)
    assert gib_of(found, "weights") == pytest.approx(15.54, rel=0.02)


def test_every_layer_of_most_models_keeps_every_token() -> None:
    pool, tokens = asked("google/gemma-3-12b-it")
    # 8 full and 40 sliding layers of 8 heads, 256 wide
    assert tokens == pytest.approx(pool / (48 * 2 * 8 * 256 * 2), rel=1e-4)


def test_sliding_layers_of_some_have_a_smaller_pool() -> None:
    pool, tokens = asked("openai/gpt-oss-20b")
    # 12 full and 12 sliding layers of 8 heads, 64 wide; eight tenths of the tokens in the latter
    assert tokens == pytest.approx(pool / (12 * 2 * 8 * 64 * 2 * 1.8), rel=1e-4)


def test_recurrent_states_get_their_share_first() -> None:
    pool, tokens = asked("Qwen/Qwen3.5-9B")
    # 8 of 32 layers keep tokens: 4 heads, 256 wide
    assert tokens == pytest.approx(pool / 1.9 / (8 * 2 * 4 * 256 * 2), rel=1e-4)
