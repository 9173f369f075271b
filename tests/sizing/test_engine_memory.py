"""Terms per device against figures that engines logged on real machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.sizing.architecture import Kind
from planner.sizing.engines_memory import ENGINES
from planner.units import GIB
from tests.sizing.models import architecture, card, gib_of, mib_on_host, report

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.mark.parametrize(
    ("model", "version", "options", "logged"),
    [  # GiB of KV pool on an 79.19 GiB card at 0.95
        (LLAMA, "0.19.0", {}, 58.11),
        (LLAMA, "0.19.0", {"kv_dtype": "fp8"}, 58.11),
        ("Qwen/Qwen2.5-7B-Instruct", "0.19.0", {}, 58.53),
        ("Qwen/Qwen3-14B", "0.17.0", {}, 45.34),
        ("Qwen/Qwen3-14B", "0.18.0", {}, 45.23),
        ("google/gemma-2-27b-it", "0.19.0", {}, 20.59),
        ("google/gemma-3-12b-it", "0.19.0", {}, 47.72),
    ],
)
def test_pools_that_vllm_logged(
    model: str, version: str, options: dict[str, object], logged: float
) -> None:
    found = report(
        model, "vllm", card(79.19), quant="bf16", engine_version=version, context=8192,
        gpu_memory_utilization=0.95, **options,
    )  # fmt: skip
    assert gib_of(found, "kv_cache") == pytest.approx(logged, abs=0.2)


def test_the_pool_is_what_the_budget_leaves() -> None:
    inside = {"weights", "kv_cache", "activations", "adapters", "runtime"}
    for version, share, counted in (("0.19.0", 0.9, inside), ("0.33.0", 0.92, inside | {"graphs"})):
        found = report(
            LLAMA, "vllm", card(79.19), quant="bf16", context=8192, adapters=2,
            engine_version=version,
        )  # fmt: skip
        used = sum(t.bytes for t in found.devices[0].terms if t.name in counted)
        assert used == pytest.approx(79.19 * GIB * share, abs=2)


def test_ranks_that_map_each_others_memory_reserve_for_it() -> None:
    """Logs of two ranks: 2.1 GiB of libraries on H100, hundreds of MiB on boards without it."""
    server = replace(card(79.19), architecture="hopper-gh100", vendor="nvidia", nvlink=True)
    bridged = replace(card(23.58), architecture="ampere-ga102", vendor="nvidia", nvlink=True)
    options = {"quant": "bf16", "tp": 2, "context": 8192, "engine_version": "0.19.0"}
    assert gib_of(report(LLAMA, "vllm", server, server, **options), "runtime") > 2
    assert gib_of(report(LLAMA, "vllm", bridged, bridged, **options), "runtime") < 1


def test_tokens_of_the_pool() -> None:
    found = report(
        LLAMA, "vllm", card(79.19), quant="bf16", context=8192, gpu_memory_utilization=0.95,
        engine_version="0.19.0",
    )  # fmt: skip
    assert found.kv_capacity_tokens == pytest.approx(476_000, rel=0.001)
    assert found.fits


def test_a_sequence_longer_than_the_pool_does_not_fit() -> None:
    found = report("Qwen/Qwen3-32B", "vllm", card(79.19), quant="bf16", context=65_536)
    assert not found.fits
    assert found.max_context is not None
    assert found.max_context < 65_536
    again = report("Qwen/Qwen3-32B", "vllm", card(79.19), quant="bf16", context=found.max_context)
    assert again.fits


def test_graphs_outside_the_budget_can_break_a_start() -> None:
    options = {"context": 1024, "gpu_memory_utilization": 0.99, "engine_version": "0.19.0"}
    tight = report(LLAMA, "vllm", card(23.6), quant="bf16", **options)
    assert not tight.fits
    eager = report(LLAMA, "vllm", card(23.6), quant="bf16", eager=True, **options)
    assert eager.fits


def test_every_rank_has_its_terms() -> None:
    found = report(LLAMA, "vllm", *[card(24)] * 4, quant="bf16", tp=2, pp=2, context=8192)
    names = [[term.name for term in device.terms] for device in found.devices]
    expected = ["weights", "kv_cache", "activations", "graphs", "adapters", "runtime"]
    assert names == [expected] * 4


@pytest.mark.parametrize(
    ("model", "adapters", "rank", "tp", "expected"),
    [
        (LLAMA, 1, 16, 1, 83_886_080),
        (LLAMA, 1, 64, 1, 335_544_320),
        ("Qwen/Qwen3-32B", 1, 16, 1, 268_435_456),
        ("meta-llama/Llama-3.1-70B-Instruct", 1, 64, 4, 854_589_440),
        ("Qwen/Qwen3-30B-A3B", 1, 16, 1, 2 * (830_472_192 + 13_369_344)),
        (LLAMA, 1, 20, 1, 167_772_160),  # rank 20 takes a slot of rank 32
    ],
)
def test_adapter_slots(model: str, adapters: int, rank: int, tp: int, expected: int) -> None:
    found = report(
        model, "vllm", *[card(96)] * tp, quant="bf16", tp=tp, adapters=adapters, adapter_rank=rank
    )
    assert gib_of(found, "adapters") * GIB == expected


@pytest.mark.parametrize(
    ("engine", "model", "options", "logged"),
    [  # MiB of the first device's compute buffer
        ("llama.cpp", "Qwen/Qwen3-30B-A3B", {"context": 65_536}, 300.75),
        ("llama.cpp", LLAMA, {"context": 512, "ubatch": 512, "flash_attention": False}, 258.5),
        ("llama.cpp", LLAMA, {"context": 8192, "ubatch": 512, "flash_attention": False}, 560.0),
        ("llama.cpp", "google/gemma-3-4b-it", {"context": 8192}, 517.0),
        ("ik_llama.cpp", "Qwen/Qwen3-235B-A22B", {"context": 32_768, "ubatch": 512}, 312.75),
        ("ik_llama.cpp", "Qwen/Qwen3-4B", {"context": 4096, "ubatch": 4096}, 2454.0),
        ("ik_llama.cpp", "Qwen/Qwen3.5-27B", {"context": 512, "ubatch": 512}, 505.0),
        ("ik_llama.cpp", "google/gemma-3-27b-it", {"context": 32_768, "ubatch": 512}, 522.62),
    ],
)
def test_compute_buffers_that_were_logged(
    engine: str, model: str, options: dict[str, object], logged: float
) -> None:
    found = report(model, engine, card(400), quant="Q8_0", parallel=1, **options)
    assert gib_of(found, "activations") * 1024 == pytest.approx(logged, rel=0.02)


BUILD = "b11669"
PLAIN = {"parallel": 1, "context": 8192}


@pytest.mark.parametrize(
    ("model", "options", "logged"),
    [  # MiB that llama-server of build 11669 printed for files of these shapes on a CPU
        ("Qwen/Qwen3-4B", {**PLAIN, "context": 512}, 82.52),
        ("Qwen/Qwen3-4B", PLAIN, 90.02),
        ("Qwen/Qwen3-4B", {**PLAIN, "context": 32_768}, 114.02),
        ("Qwen/Qwen3-4B", {**PLAIN, "ubatch": 1024}, 180.04),
        ("Qwen/Qwen3-4B", {**PLAIN, "ubatch": 128}, 22.5),
        (LLAMA, PLAIN, 132.02),
        (LLAMA, {"context": 16_384, "parallel": 4}, 128.02),  # four masks of 4096 cells
        (LLAMA, {"context": 16_384, "parallel": 4, "unified": True}, 140.02),
        (LLAMA, {"context": 8000, "parallel": 3}, 127.02),  # a batch is a multiple of the slots
        (LLAMA, {"context": 2048, "parallel": 2, "flash_attention": False}, 130.01),
        ("Qwen/Qwen3-30B-A3B", PLAIN, 96.02),
        ("Qwen/Qwen3-30B-A3B", {**PLAIN, "context": 32_768}, 120.02),
        ("Qwen/Qwen3-30B-A3B", {**PLAIN, "flash_attention": False}, 566.01),
        ("google/gemma-3-12b-it", PLAIN, 137.03),
        ("google/gemma-3-12b-it", {"context": 8192}, 140.03),
        ("google/gemma-3-12b-it", {**PLAIN, "flash_attention": False}, 344.52),
        ("openai/gpt-oss-20b", PLAIN, 104.4),
        ("openai/gpt-oss-20b", {**PLAIN, "flash_attention": False}, 1089.64),
        ("deepseek-ai/DeepSeek-V2-Lite", PLAIN, 92.14),
        ("deepseek-ai/DeepSeek-V2-Lite", {**PLAIN, "flash_attention": False}, 332.01),
        ("Qwen/Qwen3.5-9B", PLAIN, 120.02),
        ("Qwen/Qwen3.5-35B-A3B", {**PLAIN, "flash_attention": False}, 318.02),
    ],
)
def test_compute_buffers_of_a_current_build(
    model: str, options: dict[str, int], logged: float
) -> None:
    found = report(model, "llama.cpp", quant="Q4_K_M", engine_version=BUILD, **options)
    output = architecture(model).vocab * options.get("parallel", 4) * 4 / 2**20
    assert mib_on_host(found, "activations") - output == pytest.approx(logged, abs=0.2)


@pytest.mark.parametrize(
    ("slots", "ubatch", "logged"),
    [(1, 32, 8.35), (8, 32, 37.31), (4, 128, 31.88), (2, 256, 40.01), (8, 512, 93.77)],
)
def test_recurrent_states_of_small_batches_of_a_current_build(
    slots: int, ubatch: int, logged: float
) -> None:
    model = "Qwen/Qwen3.5-35B-A3B"
    found = report(
        model, "llama.cpp", quant="Q4_K_M", context=8192, parallel=slots, ubatch=ubatch,
        engine_version=BUILD,
    )  # fmt: skip
    output = architecture(model).vocab * slots * 4 / 2**20
    assert mib_on_host(found, "activations") - output == pytest.approx(logged, rel=0.03)


@pytest.mark.parametrize(
    ("model", "slots", "logged"),
    [  # KV and recurrent buffers of the same build at 8192 tokens (8000 of three slots); None is
        # the server's default
        ("google/gemma-3-12b-it", 1, 512 + 480),
        ("google/gemma-3-12b-it", None, 512 + 1440),
        ("openai/gpt-oss-20b", 1, 192 + 18),
        ("Qwen/Qwen3.5-9B", 1, 256 + 50.25),
        ("Qwen/Qwen3.5-9B", None, 256 + 201),
        ("google/gemma-3-12b-it", 3, 528 + 1440),  # 2666 tokens a slot take 2816 cells
        ("deepseek-ai/DeepSeek-V2-Lite", 3, 250.59375),
    ],
)
def test_caches_of_a_current_build(model: str, slots: int | None, logged: float) -> None:
    found = report(
        model, "llama.cpp", quant="Q4_K_M", context=8000 if slots == 3 else 8192, parallel=slots,
        engine_version=BUILD,
    )  # fmt: skip
    assert mib_on_host(found, "kv_cache") == logged


@pytest.mark.parametrize(
    ("version", "per_token"),
    [  # values of K and V a layer: all heads, the latent twice, the latent once
        ("b5000", 16 * (192 + 128)),
        ("b6000", 576 + 512),
        ("b9000", 576),
        (None, 576),
    ],
)
def test_what_builds_keep_of_a_latent_layer(version: str | None, per_token: int) -> None:
    found = report(
        "deepseek-ai/DeepSeek-V2-Lite", "llama.cpp", quant="Q4_K_M", context=2048, parallel=1,
        engine_version=version,
    )  # fmt: skip
    assert mib_on_host(found, "kv_cache") * 2**20 == 27 * 2048 * 2 * per_token


def test_unset_slots_became_four_in_november_2025() -> None:
    def windows(version: str) -> float:
        found = report(
            "google/gemma-3-12b-it", "llama.cpp", quant="Q4_K_M", context=8192,
            engine_version=version,
        )  # fmt: skip
        return mib_on_host(found, "kv_cache") - 512

    assert windows("b6000") == 480
    assert windows("b8000") == 1440


def test_a_device_of_a_current_build_has_no_input_states() -> None:
    found = report(
        "Qwen/Qwen3-4B", "llama.cpp", card(24), quant="Q4_K_M", context=8192, parallel=1,
        engine_version=BUILD,
    )  # fmt: skip
    assert gib_of(found, "activations") * 1024 == pytest.approx(85.01, abs=0.02)


def test_the_input_embedding_stays_on_the_host() -> None:
    found = report(LLAMA, "llama.cpp", card(24), quant="Q4_K_M", context=4096)
    host = next(t.bytes for t in found.host.terms if t.name == "weights")
    assert host / 2**20 == pytest.approx(281.81, abs=0.01)
    assert gib_of(found, "weights") * 1024 == pytest.approx(4403.49, abs=0.2)


def test_experts_in_ram_leave_the_rest_on_the_device() -> None:
    model = "openai/gpt-oss-20b"
    found = report(model, "llama.cpp", card(24), quant="MXFP4", context=4096, cpu_moe=24)
    assert gib_of(found, "weights") * 1024 == pytest.approx(1242.03, abs=0.05)


def test_sglang_keeps_a_fraction_for_running() -> None:
    found = report(LLAMA, "sglang", card(139.7), quant="bf16", gpu_memory_utilization=0.8718)
    assert gib_of(found, "kv_cache") == pytest.approx(106.36, rel=0.01)


def test_embedding_servers_need_no_cache() -> None:
    found = report("BAAI/bge-m3", "text-embeddings-inference", card(24), quant="fp16")
    assert found.fits
    assert gib_of(found, "kv_cache") == 0
    assert found.decode is None


def test_unknown_memory_is_said_and_does_not_fit() -> None:
    from planner.sizing.values import Accelerator

    found = report(LLAMA, "llama.cpp", Accelerator("mystery"), quant="Q4_K_M", context=4096)
    assert not found.fits
    assert any("unknown" in item.summary for item in found.diagnostics)


def test_heads_must_divide_by_the_ranks() -> None:
    found = report("Qwen/Qwen3-14B", "vllm", *[card(96)] * 3, quant="bf16", tp=3)
    assert any("do not divide" in item.summary for item in found.diagnostics)
    assert architecture("Qwen/Qwen3-14B").heads % 3


def test_an_engine_for_gpus_is_refused_on_a_cpu() -> None:
    found = report(LLAMA, "vllm", quant="bf16")
    assert not found.fits
    assert any("needs a GPU" in item.summary for item in found.diagnostics)


def test_a_rank_beyond_the_largest_does_not_fit_quietly() -> None:
    found = report(LLAMA, "vllm", card(80), quant="bf16", adapters=1, adapter_rank=1000)
    assert not found.fits
    assert any("rank 1000" in item.summary for item in found.diagnostics)


def test_headers_of_a_checkpoint_win_over_its_config() -> None:
    counted = report(LLAMA, "vllm", card(80), quant="bf16")
    stored = report(LLAMA, "vllm", card(80), quant="bf16", checkpoint_bytes=16_060_522_496 + GIB)
    assert gib_of(stored, "weights") == pytest.approx(gib_of(counted, "weights") + 1)


def test_a_latent_cache_has_one_type() -> None:
    found = report(
        "deepseek-ai/DeepSeek-V2-Lite", "llama.cpp", quant="Q4_K_M", context=2048,
        kv_dtype="q8_0,q4_0",
    )  # fmt: skip
    assert not found.fits
    assert any("one type" in item.summary for item in found.diagnostics)


@pytest.mark.parametrize("engine", ["llama.cpp", "ik_llama.cpp", "ollama"])
def test_a_speech_model_is_refused_by_engines_of_language_models(engine: str) -> None:
    found = report("openai/whisper-large-v3-turbo", engine, card(24))
    assert not found.fits
    assert any("no speech models" in item.summary for item in found.diagnostics)


@pytest.mark.parametrize(
    ("model", "options", "logged"),
    [  # GiB of peak activation that vLLM 0.8 and 0.9 printed
        ("google/gemma-3-27b-it", {"parallel": 64, "batch": 16_384, "tp": 4}, 3.73),
        ("Qwen/Qwen2.5-VL-7B-Instruct", {"parallel": 1, "batch": 16_384}, 2.71),
    ],
)
def test_images_of_the_profile_run_before_0_11(
    model: str, options: dict[str, int], logged: float
) -> None:
    cards = [card(80)] * options.get("tp", 1)
    found = report(
        model, "vllm", *cards, quant="bf16", engine_version="0.8.0", context=16_384, **options
    )
    assert gib_of(found, "activations") == pytest.approx(logged, rel=0.1)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_term_says_where_it_is_from(engine: str) -> None:
    names = {
        Kind.LANGUAGE: "Qwen/Qwen3.5-9B",
        Kind.EMBEDDING: "BAAI/bge-m3",
        Kind.SPEECH: "openai/whisper-large-v3",
        Kind.IMAGE: "black-forest-labs/FLUX.1-dev",
    }
    options = {name: 2 for name in ("adapters",) if name in ENGINES[engine].options}
    for kind in ENGINES[engine].serves:
        found = report(names[kind], engine, card(80), card(80), **options)
        shown = [*found.host.terms, *(t for d in found.devices for t in d.terms)]
        assert shown
        assert [t.name for t in shown if t.bytes and not (t.why and t.source)] == []
