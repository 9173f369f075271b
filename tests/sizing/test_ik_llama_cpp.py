"""ik_llama.cpp: the modes of its latent cache against logged buffers, and its builds."""

from __future__ import annotations

from typing import Any

import pytest

from planner.sizing.values import SizeReport
from tests.sizing.models import card, mib_on_host, report

R1 = "deepseek-ai/DeepSeek-R1"


def _report(model: str = R1, **options: Any) -> SizeReport:
    """On the CPU: a buffer does not depend on where it lies."""
    return report(model, "ik_llama.cpp", quant="Q4_K_M", **options)


@pytest.mark.parametrize(
    ("kv_dtype", "context", "options", "mib"),
    [  # discussions 242, 258, 286; issue 389
        ("f16", 32_768, {"mla": 3}, 2196.0),
        ("q8_0", 32_768, {"mla": 2}, 1166.62),
        ("f16", 512, {"mla": 0, "flash_attention": False}, 2440.0),
        ("q8_0,f16", 8192, {"mla": 0}, 28_060.0),
        ("f16", 32_768, {"mla": 2, "flash_attention": False}, 2196.0),
    ],
)
def test_each_mode_keeps_what_was_logged(
    kv_dtype: str, context: int, options: dict[str, Any], mib: float
) -> None:
    found = _report(kv_dtype=kv_dtype, context=context, **options)
    assert mib_on_host(found, "kv_cache") == pytest.approx(mib, abs=0.02)


def test_mode_1_without_flash_attention_keeps_the_latent_twice() -> None:
    once, twice = (
        mib_on_host(_report(mla=1, context=8192, flash_attention=flash), "kv_cache")
        for flash in (True, False)
    )
    assert twice / once == pytest.approx((576 + 512) / 576)


def test_two_types_are_no_error_and_the_key_type_counts() -> None:
    found = _report(kv_dtype="q8_0,f16", context=8192)
    assert not any("one type" in item.summary for item in found.diagnostics)
    same = _report(kv_dtype="q8_0", context=8192)
    assert mib_on_host(found, "kv_cache") == mib_on_host(same, "kv_cache")


def test_builds_before_november_2025_keep_every_head_unless_told() -> None:
    old, told, new = (
        mib_on_host(_report(context=4096, **options), "kv_cache")
        for options in (
            {"engine_version": "3982"},
            {"engine_version": "3982", "mla": 3},
            {"engine_version": "3983"},
        )
    )
    assert old / new == pytest.approx(128 * (192 + 128) / 576)
    assert told == new


def test_a_dense_model_has_no_modes() -> None:
    options = {"context": 8192, "kv_dtype": "q8_0,f16"}
    sizes = {
        mib_on_host(_report("Qwen/Qwen3-8B", mla=mla, **options), "kv_cache") for mla in range(4)
    }
    assert len(sizes) == 1


def test_a_narrower_slice_takes_less() -> None:
    sizes = [
        report(
            R1, "ik_llama.cpp", card(80), quant="Q4_K_M", context=32_768, cpu_moe=61,
            gpu_layers=99, attention_batch=amb,
        ).devices[0].terms[2].bytes
        for amb in (0, 2048, 512)
    ]  # fmt: skip
    assert sizes[0] > sizes[1] > sizes[2]


def test_experts_and_masks_of_a_batch_as_logged() -> None:
    """Two cards, issue 629: the first holds no output, 832.01 MiB."""
    found = report(
        "Qwen/Qwen3-235B-A22B", "ik_llama.cpp", card(24), card(24), quant="Q4_K_M",
        context=32_768, ubatch=2048, gpu_layers=95,
    )  # fmt: skip
    activations = next(t for t in found.devices[0].terms if t.name == "activations")
    assert activations.bytes / 2**20 == pytest.approx(832.01, abs=0.02)
