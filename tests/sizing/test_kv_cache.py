"""KV cache and state: bytes per token, blocks of the hybrid manager, cells of llama.cpp."""

from __future__ import annotations

import pytest

from planner.sizing.kv import (
    UnknownKvType,
    bytes_per_token,
    paged_pool,
    parse_kv_types,
    sequence_bytes,
    state_bytes,
)
from planner.units import GIB, MIB
from tests.sizing.models import architecture, card, mib_on_host, report

AUTO = parse_kv_types(None)


@pytest.mark.parametrize(
    ("model", "per_token"),
    [
        ("Qwen/Qwen3-30B-A3B", 98_304),
        ("Qwen/Qwen3-32B", 262_144),
        ("Qwen/Qwen3-8B", 147_456),
        ("meta-llama/Llama-3.1-8B-Instruct", 131_072),
        ("meta-llama/Llama-3.1-70B-Instruct", 327_680),
        ("Qwen/Qwen3-235B-A22B", 192_512),
        ("codellama/CodeLlama-13b-hf", 819_200),
        ("deepseek-ai/DeepSeek-V3", 70_272),
        ("deepseek-ai/DeepSeek-V2-Lite", 31_104),
        ("google/gemma-3-27b-it", 81_920),
        ("openai/gpt-oss-120b", 36_864),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 24_576),
        ("BAAI/bge-m3", 0),
    ],
)
def test_bytes_per_token(model: str, per_token: int) -> None:
    assert bytes_per_token(architecture(model), AUTO) == per_token


def test_windows_are_capped() -> None:
    gemma = architecture("google/gemma-3-27b-it")
    assert sequence_bytes(gemma, AUTO, 131_072) == 131_072 * 81_920 + 1024 * 425_984


@pytest.mark.parametrize(
    ("model", "fp32", "half"),
    [
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 77_266_944, 39_518_208),
        ("Qwen/Qwen3.5-27B", 153_944_064, 78_446_592),
        ("Qwen/Qwen3.5-35B-A3B", 64_389_120, 32_931_840),
    ],
)
def test_recurrent_state(model: str, fp32: int, half: int) -> None:
    built = architecture(model)
    assert state_bytes(built, state_width=4, conv_width=2) == fp32
    assert state_bytes(built, state_width=2, conv_width=2) == half


@pytest.mark.parametrize(
    ("model", "pool_gib", "blocks"),
    [("google/gemma-2-27b-it", 20.59, 7335), ("google/gemma-3-12b-it", 47.72, 48867)],
)
def test_blocks_of_the_hybrid_manager(model: str, pool_gib: float, blocks: int) -> None:
    built = architecture(model)
    pool = paged_pool(
        built, built.layers, AUTO, pool=int(pool_gib * GIB), ranks=1, context=8192, batch=8192
    )
    assert pool is not None
    assert pool.blocks == pytest.approx(blocks, abs=10)  # the log rounds the pool to 0.01 GiB


def test_linear_layers_stretch_the_block() -> None:
    built = architecture("Qwen/Qwen3.5-27B")
    fp8 = parse_kv_types("fp8")
    pool = paged_pool(built, built.layers, fp8, pool=5 * GIB, ranks=2, context=131_072, batch=8192)
    assert pool is not None
    assert pool.block_tokens == pytest.approx(1568, rel=0.02)


@pytest.mark.parametrize(
    ("model", "options", "logged"),
    [  # MiB that llama.cpp printed
        ("Qwen/Qwen3-30B-A3B", {"context": 65_536, "parallel": 4}, 6144.0),
        ("Qwen/Qwen3-235B-A22B", {"context": 32_768, "kv_dtype": "q8_0", "parallel": 1}, 3196.0),
        ("Qwen/Qwen3-235B-A22B", {"context": 8192, "kv_dtype": "q8_0,f16", "parallel": 1}, 1151.5),
        ("openai/gpt-oss-20b", {"context": 131_072, "parallel": 1, "ubatch": 512}, 3090.0),
        ("google/gemma-3-4b-it", {"context": 8192, "parallel": 1}, 334.0),
        (
            "google/gemma-4-26B-A4B-it",
            {"context": 262_144, "kv_dtype": "q8_0", "parallel": 1},
            2879.38,
        ),
        ("Qwen/Qwen3.5-9B", {"context": 65_536, "parallel": 4}, 2249.0),
        ("Qwen/Qwen3.6-27B", {"context": 131_072, "kv_dtype": "q8_0", "parallel": 4}, 4950.5),
        ("zai-org/GLM-Z1-32B-0414", {"context": 5120, "kv_dtype": "q8_0", "parallel": 1}, 162.03),
        ("microsoft/Phi-3-mini-4k-instruct", {"context": 4096, "parallel": 1}, 1536.0),
    ],
)
def test_cells_that_llama_cpp_logged(model: str, options: dict[str, object], logged: float) -> None:
    found = report(model, "llama.cpp", quant="Q4_K_M", **options)
    assert mib_on_host(found, "kv_cache") == pytest.approx(logged, abs=0.05)


def test_the_fork_keeps_full_windows_and_the_latent_cache() -> None:
    gemma = report("google/gemma-3-27b-it", "ik_llama.cpp", quant="Q4_K_M", context=32_768)
    assert mib_on_host(gemma, "kv_cache") == 15_872
    deepseek = report("deepseek-ai/DeepSeek-V3", "ik_llama.cpp", quant="Q4_K_M", context=32_768)
    assert mib_on_host(deepseek, "kv_cache") == 2196


def test_a_layer_takes_its_cache_to_its_device() -> None:
    found = report(
        "meta-llama/Llama-3.1-8B-Instruct", "llama.cpp", card(24), quant="Q4_K_M", context=32_768,
        parallel=1, gpu_layers=15,
    )  # fmt: skip
    on_device = sum(t.bytes for t in found.devices[0].terms if t.name == "kv_cache")
    assert on_device == 1792 * MIB
    assert mib_on_host(found, "kv_cache") == 4096 - 1792


@pytest.mark.parametrize("text", ["q3_0", "f16,f16,f16", ""])
def test_unknown_types_are_refused(text: str) -> None:
    if text:
        with pytest.raises(UnknownKvType):
            parse_kv_types(text)
    else:
        assert parse_kv_types(text) == AUTO
