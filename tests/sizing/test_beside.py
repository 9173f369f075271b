"""What lies beside a model: a draft model, whole experts, an image encoder, saved prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planner.diagnostics import has_errors
from planner.sizing.engines_memory.draft import check_draft, speed_up
from planner.sizing.engines_memory.llama_head import head_parameters
from planner.sizing.values import Draft, SizeRequest, Speed
from planner.units import GIB
from tests.sizing.models import architecture, card, gib_of, mib_on_host, report
from tests.sizing.test_fit_command import fit, fit_json

LARGE, SMALL, MOE = "Qwen/Qwen3-32B", "Qwen/Qwen3-0.6B", "Qwen/Qwen3-30B-A3B"
DRAFT = Draft(SMALL, architecture(SMALL))


def test_a_draft_takes_its_weights_and_a_share_of_the_pool() -> None:
    options: dict[str, Any] = {"quant": "awq", "context": 8192, "engine_version": "0.19.0"}
    alone = report(LARGE, "vllm", card(80), **options)
    both = report(LARGE, "vllm", card(80), draft=DRAFT, **options)
    draft = gib_of(both, "draft")
    assert draft == pytest.approx(596_049_920 * 2 / GIB, rel=0.02)
    assert gib_of(both, "kv_cache") == pytest.approx(gib_of(alone, "kv_cache") - draft)
    assert both.kv_capacity_tokens is not None
    # 262,144 bytes a token of the model, 114,688 of the draft
    expected = gib_of(both, "kv_cache") * GIB / (262_144 + 114_688)
    assert both.kv_capacity_tokens == pytest.approx(expected, abs=32)


def test_llama_cpp_holds_a_draft_cache_for_each_slot() -> None:
    options: dict[str, Any] = {"quant": "Q4_K_M", "context": 16_384, "unified": False}
    two = report(LARGE, "llama.cpp", card(80), draft=DRAFT, parallel=2, **options)
    four = report(LARGE, "llama.cpp", card(80), draft=DRAFT, parallel=4, **options)
    alone = report(LARGE, "llama.cpp", card(80), parallel=2, **options)
    # the cells of all slots together stay the same, buffers come with each
    assert gib_of(two, "draft") >= 114_688 * 16_384 / GIB
    assert gib_of(four, "draft") > gib_of(two, "draft")
    assert gib_of(two, "kv_cache") == gib_of(alone, "kv_cache")


def test_a_draft_must_know_the_same_tokens_and_be_smaller() -> None:
    def asked(large: str, small: str) -> SizeRequest:
        draft = Draft(small, architecture(small))
        return SizeRequest(large, architecture(large), "vllm", draft=draft)

    assert check_draft(asked(LARGE, SMALL)) == ()
    [other] = check_draft(asked(LARGE, "google/gemma-3-4b-it"))
    assert "cannot draft" in other.summary
    [larger] = check_draft(asked("Qwen/Qwen3-8B", "Qwen/Qwen3-14B"))
    assert "no smaller" in larger.summary


def test_what_drafting_gains() -> None:
    # 1 + 0.5 + ... + 0.5^4 and 1 + 0.8 + ... + 0.8^4 tokens a step that costs 1 + 4 / 10
    [said] = speed_up(Speed(0, 10, 0), Speed(0, 100, 0), 4)
    assert "1.4 to 2.4 times" in said.summary
    assert speed_up(None, Speed(0, 100, 0), 4) == ()


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_whole_experts_weigh_what_cut_ones_do(engine: str) -> None:
    cards = [card(80)] * 4
    options: dict[str, Any] = {"quant": "bf16", "context": 8192, "tp": 4}
    cut = report(MOE, engine, *cards, **options)
    whole = report(MOE, engine, *cards, expert_parallel=True, **options)
    assert gib_of(whole, "weights") == pytest.approx(gib_of(cut, "weights"), rel=0.01)
    # 128 experts over 3 ranks: 43 on the fullest of them
    uneven = report(MOE, engine, *cards[:3], quant="bf16", context=8192, tp=3, expert_parallel=True)
    fullest = 43 / 128 * 48 * 128 * 3 * 768 * 2048 * 2 / GIB
    assert gib_of(uneven, "weights") > fullest


def test_adapters_do_not_go_with_whole_experts() -> None:
    found = report(
        MOE, "vllm", *[card(80)] * 4, tp=4, expert_parallel=True, adapters=1, quant="bf16"
    )
    assert not found.fits
    assert has_errors(found.diagnostics)


def test_an_image_encoder_is_counted_when_asked_for() -> None:
    name, options = "google/gemma-3-12b-it", {"quant": "Q4_K_M", "context": 8192}
    plain = report(name, "llama.cpp", card(24), **options)
    seeing = report(name, "llama.cpp", card(24), images=True, **options)
    assert gib_of(plain, "images") == 0
    least = architecture(name).vision_parameters * 2 / GIB
    assert least < gib_of(seeing, "images") < least + 2
    assert any("--images" in item.summary for item in plain.diagnostics)


def test_saved_prompts_are_ram_that_must_be_there() -> None:
    options: dict[str, Any] = {"quant": "Q4_K_M", "context": 8192, "host_memory_bytes": 8 * GIB}
    found = report("Qwen/Qwen3-8B", "llama.cpp", card(24), prompt_cache_bytes=8 * GIB, **options)
    assert mib_on_host(found, "prompt_cache") == 8192
    assert not found.fits
    assert report("Qwen/Qwen3-8B", "llama.cpp", card(24), **options).fits


def summaries(answer: dict[str, Any]) -> str:
    return "\n".join(item["summary"] for item in answer["diagnostics"])


def test_advice_leaves_out_what_is_not_needed(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = fit_json(
        capsys, "Qwen/Qwen3-8B", "--on", "rtx-4090", "--quant", "Q4_K_M", "--context", "8k",
        "--cache-ram", "8GiB", "--ram", "8GiB",
    )  # fmt: skip
    assert code == 3
    assert "it fits with --cache-ram 0" in summaries(answer)


def test_advice_names_another_engine_and_an_offer(capsys: pytest.CaptureFixture[str]) -> None:
    _, answer = fit_json(
        capsys, "deepseek-ai/DeepSeek-V3", "--on", "rtx-4090x4", "--context", "16k"
    )
    said = summaries(answer)
    assert "it fits with --engine llama.cpp --quant Q4_K_M --cpu-moe 61" in said
    assert "or rent 8 x" in said
    assert "USD/h" in said


def test_a_draft_that_cannot_be_gets_no_other_advice(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = fit(
        capsys, LARGE, "--on", "rtx-4090", "--quant", "awq", "--draft", "google/gemma-3-4b-it"
    )
    assert code == 3
    assert "cannot draft" in err
    assert "D draft" in out
    assert "it fits with" not in err


def test_an_unknown_card_is_asked_for_its_memory_alone(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = fit(capsys, "Qwen/Qwen3-8B", "--on", "cuda")
    assert code == 3
    assert "write --device-memory 24GiB" in err
    assert "rent" not in err
    assert "no single change" not in err


def test_a_folder_without_a_config_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = fit(capsys, str(tmp_path), "--on", "rtx-4090")
    assert code == 3
    assert "has no config.json" in " ".join(err.split())


HEADED = "Qwen/Qwen3.5-27B"


@pytest.mark.parametrize(
    ("size", "parameters"),
    [
        ("2B", 60_828_160), ("9B", 243_290_624), ("27B", 424_699_392), ("35B-A3B", 844_640_768),
        ("122B-A10B", 2_523_679_232), ("397B-A17B", 6_595_568_128),
    ],
)  # fmt: skip
def test_a_models_own_head_has_the_published_parameters(size: str, parameters: int) -> None:
    # what the checkpoint holds beside the model itself
    assert head_parameters(architecture(f"Qwen/Qwen3.5-{size}")) == parameters


@pytest.mark.parametrize(("slots", "unified", "logged"), [(4, True, 2307.5), (1, False, 960.88)])
def test_a_head_that_guesses_keeps_older_states(slots: int, unified: bool, logged: float) -> None:
    """As servers with ``--spec-draft-n-max 2`` logged: 8192 cells, and each state three times."""
    options: dict[str, Any] = {"quant": "Q5_K_M", "context": 8192, "unified": unified}
    found = report(HEADED, "llama.cpp", parallel=slots, draft_tokens=2, **options)
    assert mib_on_host(found, "kv_cache") == pytest.approx(logged, abs=0.01)
    # its own layer's cache, 32 MiB, lies with its weights and its buffer
    weights = head_parameters(architecture(HEADED)) * 5 / 8 / 2**20
    assert mib_on_host(found, "draft") > weights + 32
    alone = report(HEADED, "llama.cpp", parallel=slots, **options)
    assert mib_on_host(alone, "draft") == 0
    assert mib_on_host(alone, "activations") == mib_on_host(found, "activations")


def test_a_head_lies_beside_the_output() -> None:
    found = report(HEADED, "llama.cpp", card(16), card(16), quant="Q4_K_M", draft_tokens=3)
    assert gib_of(found, "draft", 0) == 0
    assert gib_of(found, "draft", 1) > 0.2


def test_guesses_of_a_model_without_a_head_count_nothing() -> None:
    plain = report(SMALL, "llama.cpp", card(24), quant="Q8_0", context=8192)
    asked = report(SMALL, "llama.cpp", card(24), quant="Q8_0", context=8192, draft_tokens=3)
    assert asked.devices == plain.devices
    assert any("--draft-tokens 3 counts nothing" in item.summary for item in asked.diagnostics)


@pytest.mark.parametrize("parallel", [1, 3])
def test_whole_sliding_layers_keep_every_cell(parallel: int) -> None:
    name = "google/gemma-3-12b-it"
    options: dict[str, Any] = {"quant": "Q4_K_M", "context": 32_768, "parallel": parallel}
    cut = report(name, "llama.cpp", **options)
    whole = report(name, "llama.cpp", swa_full=True, **options)
    cells = -(-32_768 // parallel // 256) * 256 * parallel
    # 48 layers of 8 heads, 256 wide, K and V in 16 bit
    assert mib_on_host(whole, "kv_cache") == 48 * 8 * 256 * 2 * 2 * cells / 2**20
    assert mib_on_host(whole, "kv_cache") > 3 * mib_on_host(cut, "kv_cache")
    assert mib_on_host(whole, "activations") >= mib_on_host(cut, "activations")
