"""Tensor bytes of llama.cpp presets, tensor by tensor."""

from __future__ import annotations

import pytest

from planner.sizing.gguf import BASE, flat_weights, gguf_weights
from planner.sizing.gguf_types import fitting_type
from tests.sizing.models import architecture

PRESETS = ("IQ4_XS", "Q4_K_S", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0")
TABLE = {
    "Qwen/Qwen3-8B": (4587339776, 4796055552, 5021827072, 5845155840, 6719942656, 8703561728),
    "Qwen/Qwen3-14B": (8174402560, 8567516160, 8995793920, 10508610560, 12115978240, 15692574720),
    "Qwen/Qwen3-32B": (
        17848359936, 18765270016, 19756174336, 23208856576, 26877331456, 34811744256,
    ),
    "Qwen/Qwen3-30B-A3B": (
        16551122944, 17450039296, 18550716416, 21719611392, 25086562304, 32477962240,
    ),
    "meta-llama/Llama-3.1-8B-Instruct": (
        4476526592, 4684832768, 4912898048, 5725151232, 6588170240, 8532934656,
    ),
    "meta-llama/Llama-3.1-70B-Instruct": (
        38261800960, 40339357696, 42512531456, 49941954560, 57880281088, 74967187456,
    ),
}  # fmt: skip


@pytest.mark.parametrize("model", TABLE)
def test_presets_of_known_files(model: str) -> None:
    sizes = tuple(gguf_weights(architecture(model), preset).file_bytes for preset in PRESETS)
    assert sizes == TABLE[model]


@pytest.mark.parametrize(
    ("model", "preset", "expected"),
    [
        ("Qwen/Qwen2.5-14B-Instruct", "Q4_K_M", 8_982_142_976),
        ("Qwen/Qwen3-30B-A3B", "Q3_K_M", 14_705_876_992),
        ("Qwen/Qwen3-30B-A3B", "BF16", 61_089_832_960),
        ("Qwen/Qwen2.5-72B-Instruct", "Q4_K_M", 47_409_725_440),  # falls back for ffn_down
        ("Qwen/Qwen3-4B", "Q4_K_M", 2_491_323_904),  # tied: the embedding counts once
    ],
)
def test_other_files_are_exact(model: str, preset: str, expected: int) -> None:
    assert gguf_weights(architecture(model), preset).file_bytes == expected


def test_rows_that_are_no_multiple_of_a_block_fall_back() -> None:
    assert fitting_type("Q4_K", 29568) == "Q5_0"
    assert fitting_type("Q6_K", 1408) == "Q8_0"
    assert fitting_type("Q6_K", 4096) == "Q6_K"
    assert fitting_type("Q4_K", 33) == "F16"


@pytest.mark.parametrize("preset", BASE)
def test_every_preset_counts_every_layer(preset: str) -> None:
    weights = gguf_weights(architecture("Qwen/Qwen3-30B-A3B"), preset)
    assert len(weights.layers) == 48
    assert all(layer.rest > 0 and layer.experts > 0 for layer in weights.layers)


def test_a_mix_is_sized_by_its_bits() -> None:
    small = flat_weights(architecture("Qwen/Qwen3-8B"), 3.0)
    large = flat_weights(architecture("Qwen/Qwen3-8B"), 6.0)
    assert small.file_bytes < large.file_bytes
