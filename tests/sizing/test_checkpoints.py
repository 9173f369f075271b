"""Bytes of checkpoints equal published ones; loaded weights equal what engines logged."""

from __future__ import annotations

import pytest

from planner.sizing.quantization import (
    Storage,
    UnknownQuantization,
    parse_quantization,
)
from planner.sizing.weights import allocated, checkpoint_bytes, loaded_weights
from planner.units import GIB, MIB
from tests.sizing.models import architecture, card, gib_of, report


@pytest.mark.parametrize(
    ("model", "quant", "expected"),
    [
        ("Qwen/Qwen3-30B-A3B", "bf16", 61_064_245_248),  # index total_size
        ("Qwen/Qwen3-32B", "fp8 block", 34_322_434_048),  # published dtype split
        ("Qwen/Qwen3-32B", "awq", 19_325_298_688),  # audit of the published headers
        ("Qwen/Qwen3-32B", "gptq", 19_340_503_040),
        ("Qwen/Qwen3-30B-A3B", "gptq", 16_924_176_384),
        ("Qwen/Qwen3-8B", "awq", 6_098_479_104),
        ("Qwen/Qwen3-14B", "awq", 9_976_576_000),
        ("Qwen/Qwen3-30B-A3B", "awq", 16_802_672_640),
        ("Qwen/Qwen3-235B-A22B", "awq", 124_055_313_408),
        ("meta-llama/Llama-3.1-70B-Instruct", "awq", 39_767_785_472),
        ("Qwen/QwQ-32B", "awq", 19_328_804_864),
        ("openai/gpt-oss-20b", "mxfp4", 13_761_264_768),  # index total_size
        ("openai/gpt-oss-120b", "mxfp4", 65_248_815_744),
    ],
)
def test_checkpoints_are_exact(model: str, quant: str, expected: int) -> None:
    assert checkpoint_bytes(architecture(model), parse_quantization(quant, gguf=False)) == expected


@pytest.mark.parametrize(
    ("model", "quant", "tp", "pp", "logged"),
    [  # GiB per GPU that vLLM printed
        ("meta-llama/Llama-3.1-8B-Instruct", "bf16", 1, 1, 14.9889),
        ("meta-llama/Llama-3.1-8B-Instruct", "bf16", 1, 4, 4.26),
        ("Qwen/Qwen2.5-7B-Instruct", "bf16", 1, 1, 14.2487),
        ("Qwen/Qwen2.5-7B-Instruct", "bf16", 2, 1, 7.12),
        ("Qwen/Qwen3-14B", "bf16", 1, 1, 27.52),
        ("Qwen/Qwen3-30B-A3B", "bf16", 4, 1, 14.2474),
        ("google/gemma-3-12b-it", "bf16", 1, 1, 23.31),
        ("google/gemma-2-27b-it", "bf16", 1, 1, 50.72),
        ("meta-llama/Llama-3.3-70B-Instruct", "fp8-dynamic", 2, 1, 33.88),
        ("meta-llama/Llama-3.3-70B-Instruct", "w8a8 int8", 1, 1, 67.7229),
        ("Qwen/Qwen3-32B", "awq int4 (awq_marlin)", 1, 1, 18.145),
        ("openai/gpt-oss-20b", "mxfp4", 1, 1, 13.47),
        ("mistralai/Mistral-Small-3.1-24B-Instruct-2503", "w8a8 int8", 1, 1, 24.07),
    ],
)
def test_loaded_weights_match_logs(model: str, quant: str, tp: int, pp: int, logged: float) -> None:
    loaded = loaded_weights(architecture(model), parse_quantization(quant, gguf=False), tp, pp)
    assert loaded.total / GIB == pytest.approx(logged, rel=0.002)


def test_the_stage_with_the_embedding_is_heavier() -> None:
    llama, quant = (
        architecture("meta-llama/Llama-3.1-8B-Instruct"),
        parse_quantization("bf16", gguf=False),
    )
    stages = [loaded_weights(llama, quant, 1, 4, stage).weights for stage in range(4)]
    assert stages[0] > stages[1] == stages[2] < stages[3]


def test_allocator_rounding() -> None:
    assert allocated(int(129.5 * MIB)) == 130 * MIB  # the rest of 0.5 MiB is not split off
    assert allocated(int(64.75 * MIB)) == int(64.75 * MIB)  # a rest of 1.25 MiB is
    assert allocated(100) == 512


@pytest.mark.parametrize(
    ("text", "storage"),
    [
        ("fp8 block", Storage.FP8_BLOCK),
        ("fp8-block", Storage.FP8_BLOCK),
        ("fp8-dynamic (compressed-tensors)", Storage.FP8),
        ("AWQ-INT4", Storage.AWQ),
        ("gptq-int4", Storage.GPTQ),
        ("bitsandbytes 4bit (load_format bitsandbytes)", Storage.NF4),
        ("bnb-nf4", Storage.NF4),
        ("bitsandbytes 8bit", Storage.INT8),
        ("nvfp4 (modelopt)", Storage.NVFP4),
        ("modelopt fp4", Storage.NVFP4),
        ("bf16", Storage.WIDE),
        ("fp32", Storage.FP32),
    ],
)
def test_quantizations_as_people_write_them(text: str, storage: Storage) -> None:
    assert parse_quantization(text, gguf=False).storage is storage


@pytest.mark.parametrize(
    ("text", "preset"),
    [
        ("Q4_K - Medium", "Q4_K_M"),
        ("Q5_K - Small", "Q5_K_S"),
        ("Q4_K_M", "Q4_K_M"),
        ("mxfp4", "MXFP4_MOE"),
        ("FP16", "F16"),
        ("default 4-bit tag", "Q4_K_M"),
        ("Q8_0_R8 - 8.5 bpw", "Q8_0"),
        ("TQ1_0", "TQ1_0"),
        ("bfloat16", "BF16"),
        ("W4A16", "Q4_K_M"),
    ],
)
def test_gguf_presets_as_people_write_them(text: str, preset: str) -> None:
    assert parse_quantization(text, gguf=True).preset == preset


@pytest.mark.parametrize("gguf", [True, False])
def test_an_unknown_quantization_says_what_to_write(gguf: bool) -> None:
    with pytest.raises(UnknownQuantization, match="write"):
        parse_quantization("seven bits", gguf=gguf)


def test_vllm_unpacks_nf4_scales_from_0_9_on() -> None:
    """3.9099 GiB logged for e5-mistral-7b on 0.9.1: 4.5 bits a weight, no output matrix."""
    old, new, mixed = (
        gib_of(
            report(
                "intfloat/e5-mistral-7b-instruct", "vllm", card(79.19), quant=quant,
                engine_version=version, context=1024,
            ),
            "weights",
        )
        for quant, version in (
            ("bitsandbytes 4bit", "0.8.2"),
            ("bitsandbytes 4bit", "0.9.1"),
            ("bitsandbytes nf4 (dynamic)", "0.9.1"),
        )
    )  # fmt: skip
    assert new == pytest.approx(3.9099, rel=0.001)
    assert old < 0.93 * new
    assert mixed > old
