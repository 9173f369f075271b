"""Whatever is asked: no term is negative, and asking for more never lowers one."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.sizing.values import SizeReport
from tests.sizing.models import card, report

MODELS = st.sampled_from(
    [
        "Qwen/Qwen3-8B",
        "Qwen/Qwen3-30B-A3B",
        "Qwen/Qwen3.5-27B",
        "google/gemma-3-12b-it",
        "openai/gpt-oss-20b",
        "deepseek-ai/DeepSeek-V2-Lite",
        "google/gemma-4-26B-A4B-it",
        "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B",
    ]
)
PAGED = st.sampled_from(["vllm", "sglang"])
LLAMA = st.sampled_from(["llama.cpp", "ik_llama.cpp", "ollama"])
PLAIN = st.sampled_from(["text-embeddings-inference", "infinity", "whisper.cpp", "faster-whisper"])
PLAIN_MODELS = st.sampled_from(
    ["BAAI/bge-m3", "openai/whisper-large-v3", "Qwen/Qwen3-Embedding-8B"]
)
ADAPTED = st.sampled_from(["vllm", "sglang", "llama.cpp", "ik_llama.cpp", "ollama"])
# builds and versions on both sides of every change that sizing knows
BUILD = st.sampled_from([None, "b5000", "b6000", "b7000", "b8000", "0.7.0"])
VERSION = st.sampled_from(["0.6.4", "0.8.5", "0.11.0", "0.17.0", "0.19.0", "0.33.0"])
MEMORY = st.floats(min_value=4, max_value=200)
CONTEXT = st.integers(min_value=256, max_value=262_144)
MORE = st.integers(min_value=1, max_value=8)
# what is left over shrinks when anything else grows
LEFTOVER = {"vllm": {"kv_cache"}, "sglang": {"kv_cache", "activations", "graphs"}}


def terms(found: SizeReport) -> dict[tuple[int, str], int]:
    sizes = {(d.index, t.name): t.bytes for d in found.devices for t in d.terms}
    return sizes | {(-1, t.name): t.bytes for t in found.host.terms}


def assert_grows(less: SizeReport, more: SizeReport, but: set[str]) -> None:
    before, after = terms(less), terms(more)
    assert all(size >= 0 for size in (*before.values(), *after.values()))
    shrunk = {key: (before[key], after[key]) for key in before if after[key] < before[key]}
    assert not {key: pair for key, pair in shrunk.items() if key[1] not in but}


@settings(max_examples=80, deadline=None)
@given(MODELS, LLAMA, CONTEXT, MORE, st.booleans(), BUILD)
def test_a_longer_context_never_lowers_a_term(
    model: str, engine: str, context: int, times: int, flash: bool, build: str | None
) -> None:
    options: dict[str, Any] = {"quant": "Q4_K_M", "parallel": 1, "flash_attention": flash}
    options["engine_version"] = build
    less = report(model, engine, card(80), context=context, **options)
    more = report(model, engine, card(80), context=context * times, **options)
    assert_grows(less, more, set())


@settings(max_examples=80, deadline=None)
@given(MODELS, LLAMA, st.integers(1, 5), MORE, st.booleans())
def test_more_sequences_of_their_own_length_never_lower_a_term(
    model: str, engine: str, slots: int, times: int, shared: bool
) -> None:
    """llama.cpp divides its context: as many more tokens keep every sequence's length."""
    each = 16_384

    def ask(count: int) -> SizeReport:
        options: dict[str, Any] = {"quant": "Q4_K_M", "parallel": count, "engine_version": "0.7.0"}
        if engine == "llama.cpp":
            options["unified"] = shared
        context = each if engine == "ollama" else each * count
        return report(model, engine, card(80), context=context, **options)

    assert_grows(ask(slots), ask(slots * times), set())


@settings(max_examples=60, deadline=None)
@given(MODELS, LLAMA, st.integers(1, 5), MORE)
def test_more_slots_in_one_shared_context_never_lower_a_term(
    model: str, engine: str, slots: int, times: int
) -> None:
    options: dict[str, Any] = {"quant": "Q4_K_M", "context": 65_536, "engine_version": "0.7.0"}
    if engine == "llama.cpp":
        options["unified"] = True
    less = report(model, engine, card(80), parallel=slots, **options)
    more = report(model, engine, card(80), parallel=slots * times, **options)
    assert_grows(less, more, set())


@settings(max_examples=80, deadline=None)
@given(MODELS, LLAMA, st.integers(1, 2048), MORE, st.booleans(), BUILD)
def test_a_bigger_batch_never_lowers_a_term(
    model: str, engine: str, ubatch: int, times: int, flash: bool, build: str | None
) -> None:
    options: dict[str, Any] = {"quant": "Q4_K_M", "context": 32_768, "parallel": 1}
    options |= {"flash_attention": flash, "engine_version": build}
    less = report(model, engine, card(80), ubatch=ubatch, **options)
    more = report(model, engine, card(80), ubatch=ubatch * times, **options)
    assert_grows(less, more, set())


@settings(max_examples=120, deadline=None)
@given(MODELS, PAGED, MEMORY, st.sampled_from(["parallel", "batch", "context"]), MORE, VERSION)
def test_more_load_never_lowers_a_paged_term(
    model: str, engine: str, memory: float, what: str, times: int, version: str
) -> None:
    options: dict[str, Any] = {"quant": "bf16", "engine_version": version}
    less = report(model, engine, card(memory), **options, **{what: 1024})
    more = report(model, engine, card(memory), **options, **{what: 1024 * times})
    assert_grows(less, more, LEFTOVER[engine])


@settings(max_examples=60, deadline=None)
@given(PLAIN_MODELS, PLAIN, st.sampled_from(["parallel", "batch", "context"]), MORE)
def test_more_load_never_lowers_a_term_of_a_small_server(
    model: str, engine: str, what: str, times: int
) -> None:
    less = report(model, engine, card(24), quant="fp16", **{what: 256})
    more = report(model, engine, card(24), quant="fp16", **{what: 256 * times})
    assert_grows(less, more, set())


@settings(max_examples=100, deadline=None)
@given(MODELS, ADAPTED, st.integers(1, 256), st.integers(1, 256), st.integers(0, 4))
def test_a_higher_rank_or_another_adapter_never_lowers_a_term(
    model: str, engine: str, one: int, two: int, slots: int
) -> None:
    gguf = engine in ("llama.cpp", "ik_llama.cpp", "ollama")
    options: dict[str, Any] = {"quant": "Q4_K_M" if gguf else "bf16", "context": 4096}
    low, high = sorted((one, two))
    less = report(model, engine, card(80), adapters=slots, adapter_rank=low, **options)
    more = report(model, engine, card(80), adapters=slots + 1, adapter_rank=high, **options)
    assert_grows(less, more, LEFTOVER.get(engine, set()))


@settings(max_examples=120, deadline=None)
@given(
    MODELS,
    PAGED,
    st.sampled_from(["bf16", "fp8", "fp8 block", "int8", "awq", "gptq", "nvfp4", "mxfp4", "nf4"]),
    st.sampled_from([2, 4, 8]),
)
def test_tensor_parallel_never_raises_the_sum_on_a_device(
    model: str, engine: str, quant: str, ranks: int
) -> None:
    """Without the leftover pool, and without what NCCL itself takes."""
    counted = {"vllm": ("weights", "activations", "adapters"), "sglang": ("weights", "adapters")}

    def total(found: SizeReport) -> int:
        return sum(t.bytes for t in found.devices[0].terms if t.name in counted[engine])

    options: dict[str, Any] = {"quant": quant, "context": 4096, "adapters": 1}
    one = report(model, engine, card(80), **options)
    split = report(model, engine, *[card(80)] * ranks, tp=ranks, **options)
    assert total(split) <= total(one)


@settings(max_examples=60, deadline=None)
@given(MODELS, st.integers(0, 32_768), MORE)
def test_depth_never_makes_decoding_faster(model: str, depth: int, times: int) -> None:
    options: dict[str, Any] = {"quant": "Q4_K_M", "context": 32_768}
    near = report(model, "llama.cpp", card(80), depth=depth, **options)
    far = report(model, "llama.cpp", card(80), depth=depth * times, **options)
    assert near.decode is not None
    assert far.decode is not None
    assert far.decode.expected <= near.decode.expected
    assert 0 < far.decode.low < far.decode.expected < far.decode.high


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-V2-Lite", "Qwen/Qwen3-8B"]),
    st.sampled_from([None, "3600", "3915", "3950", "4300"]),
    st.sampled_from([None, 0, 1, 2, 3]),
    st.sampled_from([None, 0, 256, 2048]),
    st.sampled_from([None, True, False]),
    CONTEXT,
    MORE,
)
def test_ik_latent_modes_grow_with_context(
    model: str, build: str | None, mla: int | None, amb: int | None, flash: bool | None,
    context: int, times: int,
) -> None:  # fmt: skip
    options: dict[str, Any] = {"quant": "Q4_K_M", "engine_version": build, "mla": mla}
    options |= {"attention_batch": amb, "flash_attention": flash}
    less = report(model, "ik_llama.cpp", card(80), context=context, **options)
    more = report(model, "ik_llama.cpp", card(80), context=context * times, **options)
    assert_grows(less, more, set())


@settings(max_examples=60, deadline=None)
@given(MODELS, st.sampled_from(["vllm", "llama.cpp", "ik_llama.cpp"]), st.integers(0, 32_768), MORE)
def test_depth_never_makes_a_prompt_faster_nor_a_larger_batch_slower(
    model: str, engine: str, depth: int, times: int
) -> None:
    options: dict[str, Any] = {"quant": "bf16" if engine == "vllm" else "Q4_K_M"}
    batch = "batch" if engine == "vllm" else "ubatch"
    near, far, wide = (
        report(model, engine, card(200), depth=at, **{batch: tokens}, **options).prefill
        for at, tokens in ((depth, 256), (depth * times, 256), (depth, 256 * times))
    )
    assert near is not None
    assert far is not None
    assert wide is not None
    assert 0 < far.expected <= near.expected <= wide.expected
    assert near.low < near.expected < near.high
