"""Servers beside vLLM and llama.cpp: TGI, LoRAX, embeddings, speech, images."""

from __future__ import annotations

import json

import pytest

from planner.diagnostics import has_errors
from planner.sizing.architecture import Kind
from planner.sizing.engines_memory import ENGINES, usual_engine
from planner.sizing.values import SizeReport
from planner.units import MIB
from tests.sizing.models import architecture, card, gib_of, mib_on_host, report
from tests.sizing.test_fit_command import fit

WHISPER = "openai/whisper-large-v3"
SDXL = "stabilityai/stable-diffusion-xl-base-1.0"
FLUX = "black-forest-labs/FLUX.1-dev"


def used(found: SizeReport) -> float:
    return found.devices[0].used_bytes / MIB


# MiB in faster-whisper's own benchmark: large-v2 (large-v3 has the same shapes), RTX 3070 Ti
@pytest.mark.parametrize(
    ("engine", "quant", "windows", "measured", "within"),
    [
        ("faster-whisper", "fp16", 1, 4525, 0.02),
        ("faster-whisper", "fp16", 8, 6090, 0.03),
        ("speaches", "int8", 1, 2926, 0.06),
        ("faster-whisper", "int8", 8, 4500, 0.05),
        ("whisper.cpp", "fp16", 1, 4127, 0.02),
    ],
)
def test_whisper_takes_what_was_measured(
    engine: str, quant: str, windows: int, measured: int, within: float
) -> None:
    found = report(WHISPER, engine, card(8), quant=quant, parallel=windows)
    assert used(found) == pytest.approx(measured, rel=within)


def test_a_cpu_computes_speech_and_vectors_in_32_bit() -> None:
    on_card = report("BAAI/bge-m3", "text-embeddings-inference", card(24), quant="fp16")
    in_ram = report("BAAI/bge-m3", "text-embeddings-inference", quant="fp16")
    assert in_ram.fits
    assert mib_on_host(in_ram, "weights") == pytest.approx(
        2 * 1024 * gib_of(on_card, "weights"), rel=0.01
    )


def test_only_infinity_keeps_the_keys_of_a_batch() -> None:
    options = {"quant": "bf16", "context": 8192}
    tei = report("Qwen/Qwen3-Embedding-8B", "text-embeddings-inference", card(80), **options)
    infinity = report("Qwen/Qwen3-Embedding-8B", "infinity", card(80), **options)
    assert gib_of(tei, "kv_cache") == 0
    assert gib_of(infinity, "kv_cache") == pytest.approx(16384 * 147_456 / 2**30)


def test_an_embedding_model_reads_no_more_than_its_positions() -> None:
    assert architecture("BAAI/bge-m3").max_position == 8192


def test_tgi_leaves_a_tenth_of_the_card_for_graphs() -> None:
    found = report("Qwen/Qwen3-8B", "tgi", card(24), quant="bf16", context=8192)
    taken = sum(gib_of(found, name) for name in ("weights", "kv_cache", "activations", "runtime"))
    assert taken == pytest.approx(0.9 * 24, abs=0.01)
    assert found.kv_capacity_tokens == int(gib_of(found, "kv_cache") * 2**30 / 147_456)


def test_tgi_loads_adapters_whole_and_lorax_keeps_a_tenth_for_them() -> None:
    options = {"quant": "bf16", "context": 4096, "adapter_rank": 16}
    none = report("Qwen/Qwen3-8B", "lorax", card(24), **options)
    ten = report("Qwen/Qwen3-8B", "lorax", card(24), adapters=10, **options)
    assert gib_of(none, "adapters") == gib_of(ten, "adapters") == pytest.approx(2.4)
    many = report("Qwen/Qwen3-8B", "lorax", card(24), adapters=100, **options)
    assert not many.fits
    assert "kept for them" in many.diagnostics[-1].summary
    whole = report("Qwen/Qwen3-8B", "tgi", card(24), adapters=10, **options)
    # 43,646,976 elements of rank 16 over every linear (peft on the meta device)
    assert gib_of(whole, "adapters") == pytest.approx(10 * 43_646_976 * 2 / 2**30)


def test_an_image_pipeline_is_sized_network_by_network() -> None:
    found = report(SDXL, "comfyui", card(24), quant="fp16")
    assert found.fits
    assert gib_of(found, "weights") == pytest.approx(6_937_675_734 / 2**30, rel=1e-3)
    # 2178 x 64 x 128 x 128 x 2 B: decoding one image of 1024 x 1024
    assert gib_of(found, "activations") == pytest.approx(2178 * 64 * 128**2 * 2 / 2**30)
    assert not report(FLUX, "comfyui", card(24), quant="bf16").fits
    assert report(FLUX, "comfyui", card(24), quant="fp8").fits


def test_networks_take_turns_where_they_do_not_fit_together() -> None:
    together = report(FLUX, "comfyui", card(48), quant="bf16")
    apart = report(FLUX, "comfyui", card(32), quant="bf16")
    assert together.fits
    assert apart.fits
    assert gib_of(apart, "weights") == pytest.approx(11_901_408_320 * 2 / 2**30)
    assert any("take turns" in item.summary for item in apart.diagnostics)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B", "BAAI/bge-m3", WHISPER, SDXL])
def test_an_engine_refuses_what_it_does_not_serve(engine: str, name: str) -> None:
    found = report(name, engine, card(48))
    serves = architecture(name).kind in ENGINES[engine].serves
    assert found.fits is serves
    if not serves:
        assert has_errors(found.diagnostics)
        assert not found.devices
        assert "choose the engine" in (found.diagnostics[-1].advice or "")


@pytest.mark.parametrize(
    ("name", "gguf", "devices", "engine"),
    [
        ("Qwen/Qwen3-8B", False, True, "vllm"),
        ("Qwen/Qwen3-8B", True, True, "llama.cpp"),
        ("Qwen/Qwen3-8B", False, False, "llama.cpp"),
        ("BAAI/bge-m3", False, True, "text-embeddings-inference"),
        ("BAAI/bge-m3", True, True, "llama.cpp"),
        (WHISPER, False, True, "speaches"),
        (SDXL, False, True, "comfyui"),
    ],
)
def test_a_model_has_a_usual_engine(name: str, gguf: bool, devices: bool, engine: str) -> None:
    chosen, why = usual_engine(architecture(name), gguf=gguf, devices=devices)
    assert chosen == engine
    assert why


def test_every_kind_has_an_engine_that_serves_it() -> None:
    for kind in Kind:
        assert any(kind in engine.serves for engine in ENGINES.values())


def test_fit_chooses_the_engine_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("Qwen/Qwen3-8B", "--on", "rtx-4090", "--context", "8k", "--quant", "Q4_K_M")
    code, out, _ = fit(capsys, *words, "--format", "json")
    answer = json.loads(out)
    assert (code, answer["engine"]) == (0, "llama.cpp")
    assert answer["diagnostics"][0]["summary"] == "engine llama.cpp: it reads GGUF"
    code, _, err = fit(capsys, "SDXL", "--on", "rtx-4090")
    assert code == 0
    assert f"read as {SDXL}" in err


def test_an_encoder_on_llama_cpp_reads_a_whole_input_at_once() -> None:
    small = report("BAAI/bge-m3", "llama.cpp", card(24), quant="Q8_0")
    whole = report("BAAI/bge-m3", "llama.cpp", card(24), quant="Q8_0", ubatch=8192)
    assert any("longest input" in item.summary for item in small.diagnostics)
    assert not any("longest input" in item.summary for item in whole.diagnostics)
    # no logits: 8,192 rows of 250,002 tokens alone would be 7.6 GiB
    assert gib_of(small, "activations") < gib_of(whole, "activations") < 4
