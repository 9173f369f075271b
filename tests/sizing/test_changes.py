"""Changes to a model: what each costs and risks, and what its weights cannot follow."""

from __future__ import annotations

from typing import Any

import pytest

from planner.blueprint.fixed import FIXED, fixed_in
from planner.sizing.changes import changes
from planner.sizing.overrides import Trained, check_arguments, check_routing, stretch_beyond
from planner.sizing.size import size
from planner.sizing.values import SizeRequest
from tests.sizing.models import architecture, card
from tests.sizing.test_fit_command import fit, fit_json

MOE = "Qwen/Qwen3-30B-A3B"


def asked(**options: Any) -> list[str]:
    request = SizeRequest(
        model=MOE, architecture=architecture(MOE), engine="vllm", devices=(card(95),),
        quant="bf16", context=32_768, **options,
    )  # fmt: skip
    return [item.summary for item in changes(request, size(request))]


def test_more_experts_change_speed_and_workspace_alone() -> None:
    [said] = asked(experts_per_token=16)
    assert said.startswith("16 experts a token instead of 8: weights and KV cache per token stay")
    assert "activations" in said
    before, after = said.rpartition(", ")[2].removesuffix(" tokens/s").split(" -> ")
    assert int(after) < int(before)
    assert asked(experts_per_token=8) == []


def test_a_narrow_cache_says_what_it_saves_and_risks() -> None:
    [said] = asked(kv_dtype="fp8")
    assert "98,304 -> 49,152 bytes a token" in said
    assert "half full context" in said
    assert asked(kv_dtype="bf16") == []


def test_a_longer_context_than_trained_is_stretched_warned_of_or_refused() -> None:
    known = Trained("m", 32_768, 131_072)
    factor, [said] = stretch_beyond(known, 65_536, None, ())
    assert (factor, said.severity.value) == (2.0, "note")
    assert stretch_beyond(known, 32_768, None, ()) == (None, [])
    _, [risky] = stretch_beyond(Trained("m", 32_768), 65_536, None, ())
    assert risky.severity.value == "warning"
    _, [refused] = stretch_beyond(known, 200_000, None, ())
    assert (refused.severity.value, refused.advice) == ("error", "write context: 131072 or less")


def test_what_the_config_allows_needs_no_stretching(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("Qwen/Qwen3-8B", "--on", "rtx-4090", "--quant", "Q4_K_M", "--context")
    _, plain, _ = fit(capsys, *words, "40k", "--format", "json")
    assert "stretched" not in plain
    _, longer, _ = fit(capsys, *words, "64k", "--format", "json")
    assert "stretched" in longer


def test_more_experts_than_there_are_do_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = fit_json(
        capsys, MOE, "--on", "h200-sxm", "--quant", "bf16", "--experts-per-token", "200"
    )
    assert (code, answer["fits"]) == (3, False)
    assert any("128 experts a layer" in item["summary"] for item in answer["diagnostics"])
    assert check_routing("m", 0, 0, 4, ())[0].summary == "m has no experts"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--hf-overrides", '{"hidden_size": 8192}'], ["hidden_size"]),
        (['--hf-overrides={"text_config":{"num_attention_heads":64}}'], ["num_attention_heads"]),
        (["--override-kv", "qwen3.embedding_length=int:8192"], ["embedding_length"]),
        (["--override-kv", "qwen3moe.expert_used_count=int:12"], []),
        (["--hf-overrides", '{"num_experts_per_tok": 12}'], []),
        (["--max-num-seqs", "64"], []),
    ],
)  # fmt: skip
def test_arguments_cannot_reshape_a_model(arguments: list[str], names: list[str]) -> None:
    assert [name for name, _ in fixed_in(arguments)] == names
    found = check_arguments(arguments, ("models", "a"))
    assert [item.value for item in found] == names
    assert all(item.where == "models.a.extra_args" for item in found)


def test_every_fixed_thing_says_why() -> None:
    for name, fixed in FIXED.items():
        assert name.islower()
        assert len(fixed.why) > 40


def test_the_longest_sequence_is_what_it_was_trained_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("Qwen/Qwen3-8B", "--on", "rtx-4090", "--quant", "fp8")
    _, out, _ = fit(capsys, *words)
    assert "40,960 tokens, as it was trained; memory holds 84,624" in out
