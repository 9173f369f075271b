"""KV buffers that llama.cpp and its fork logged, with the one setting that decided them.

Of these runs the log gives the buffer and not the setting; it follows from the buffer's own size
(one slot's window, two guesses a token, keys and values of every head instead of the latent cache).
With it said, planner's figure is the logged one.
"""

from __future__ import annotations

import json

import pytest

from planner.cli.main import run

IK = "https://github.com/ikawrakow/ik_llama.cpp"
HEXAGON = "https://github.com/ggml-org/llama.cpp/blob/master/docs/backend/snapdragon/developer.md"
CACHE_OF_HEADS = "--mla 0"  # the fork's default before it kept the latent cache
BEFORE_LATENT = "--engine-version b5000"  # llama.cpp keeps it from April 2025 on
LATENT_AND_VALUES = "--engine-version b5150"  # the first builds kept values beside it

# source, engine, model, the settings logged, the setting implied, MiB
ROWS = [
    (f"{IK}/discussions/242", "ik_llama.cpp", "deepseek-ai/DeepSeek-R1",
     "--kv-dtype f16 --context 512 --batch 32 --ubatch 31 --gpu-layers 3 --no-flash-attention",
     CACHE_OF_HEADS, 2440.0),
    (f"{IK}/discussions/286", "ik_llama.cpp", "deepseek-ai/DeepSeek-V3",
     "--kv-dtype f16 --context 512 --batch 512 --gpu-layers 0 --no-flash-attention",
     CACHE_OF_HEADS, 2440.0),
    (f"{IK}/issues/389", "ik_llama.cpp", "deepseek-ai/DeepSeek-R1",
     "--kv-dtype q8_0,f16 --context 8192 --gpu-layers 0 --flash-attention",
     CACHE_OF_HEADS, 28060.0),
    (f"{IK}/pull/616", "ik_llama.cpp", "moonshotai/Kimi-K2-Instruct",
     "--kv-dtype f16 --context 512 --batch 512 --gpu-layers 0 --no-flash-attention",
     CACHE_OF_HEADS, 1220.0),
    (f"{IK}/issues/271", "llama.cpp", "deepseek-ai/DeepSeek-R1",
     "--kv-dtype f16 --context 2048 --parallel 4 --gpu-layers 0 --no-flash-attention",
     BEFORE_LATENT, 9760.0),
    (f"{IK}/pull/394", "llama.cpp", "deepseek-ai/DeepSeek-V3",
     "--kv-dtype f16 --context 16384 --parallel 1 --ubatch 1024 --gpu-layers 62 --flash-attention",
     LATENT_AND_VALUES, 2074.0),
    ("an Ollama log", "llama.cpp", "deepseek-ai/DeepSeek-V2-Lite",
     "--kv-dtype f16 --context 2048 --parallel 1", BEFORE_LATENT, 540.0),
    ("an Ollama log", "llama.cpp", "deepseek-ai/DeepSeek-V2-Lite",
     "--kv-dtype f16 --context 4096 --parallel 1", BEFORE_LATENT, 1080.0),
    (HEXAGON, "llama.cpp", "openai/gpt-oss-20b",
     "--kv-dtype q8_0 --context 8192 --parallel 1 --gpu-layers 25", "--ubatch 128", 105.19),
    ("a llama-server log", "llama.cpp", "Qwen3.8-27B (MTP)",
     "--kv-dtype f16 --context 8192 --parallel 4 --gpu-layers 64", "--draft-tokens 2", 2307.5),
    ("a llama-server log", "llama.cpp", "Qwen3.8-27B (MTP)",
     "--kv-dtype f16 --context 8192 --parallel 1 --gpu-layers 66", "--draft-tokens 2", 960.88),
    ("a log of llama.cpp on Metal", "llama.cpp", "Gemma-3-4B",
     "--kv-dtype f16 --context 8192 --gpu-layers 99", "--parallel 1", 334.0),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[2].rpartition('/')[2]} {row[5]:g}")
def test_the_cache_is_what_was_logged(
    row: tuple[str, str, str, str, str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    _, engine, model, settings, implied, logged = row
    run(["fit", model, "--engine", engine, "--on", "rtx-4090x4", "--format", "json",
         *settings.split(), *implied.split()])  # fmt: skip
    said = json.loads(capsys.readouterr().out)
    places = [*said["devices"], said["host"]]
    terms = [term for place in places for term in place["terms"] if term["name"] == "kv_cache"]
    mib = sum(term["bytes"] for term in terms) / 2**20
    assert f"{mib:.2f}" == f"{logged:.2f}"
