"""Tensors that --override-tensor puts elsewhere: what it takes off a card, and where that goes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from planner.sizing.architecture import Role
from planner.sizing.engines_memory.llama_moved import matches, pattern, target
from planner.sizing.gguf import gguf_weights, tensor_types
from planner.sizing.gguf_types import type_bytes
from planner.sizing.size import size
from planner.sizing.values import Processor, SizeReport, SizeRequest
from tests.sizing.models import architecture, card, gib_of, mib_on_host, report

MIXTURE = "Qwen/Qwen3-30B-A3B"
DENSE = "Qwen/Qwen3-8B"
EXPERTS = r"\.ffn_(up|down|gate)_exps"


def sized(model: str, *rules: str, cards: int = 1, **more: Any) -> SizeReport:
    options = {"quant": "Q4_K_M", "context": 4096, "parallel": 1, **more}
    return report(model, "llama.cpp", *[card(80)] * cards, override_tensor=rules, **options)


def weights(found: SizeReport, device: int = 0) -> int:
    return round(gib_of(found, "weights", device) * 2**30)


def in_ram(found: SizeReport) -> int:
    return round(mib_on_host(found, "weights") * 2**20)


def test_all_experts_in_ram_are_what_cpu_moe_says() -> None:
    by_rule, by_option = sized(MIXTURE, f"{EXPERTS}=CPU"), sized(MIXTURE, cpu_moe=48)
    assert by_rule.devices[0].terms == by_option.devices[0].terms
    assert by_rule.host.terms == by_option.host.terms
    # rules come after --cpu-moe, which has taken them already
    both = sized(MIXTURE, f"{EXPERTS}=CPU", cpu_moe=48)
    assert (both.devices, both.host) == (by_option.devices, by_option.host)


@pytest.mark.parametrize(
    "rules",
    [
        (r"blk\.(1|2)\.ffn_up_exps=CPU",),
        (r"\.ffn_down=CPU", r"attn_q\.=CPU"),
        (r"blk\.[0-9]\.=CPU",),
        (r"output\.weight=CPU",),
    ],
    ids=str,
)
@pytest.mark.parametrize("model", [MIXTURE, DENSE])
def test_what_leaves_the_card_lies_in_ram(model: str, rules: tuple[str, ...]) -> None:
    plain, moved = sized(model), sized(model, *rules)
    wanted = [pattern(rule) for rule in rules]
    taken = 0
    for tensor, layer, kind in tensor_types(architecture(model), "Q4_K_M"):
        name = f"blk.{layer}.{tensor.gguf}.weight" if layer >= 0 else f"{tensor.gguf}.weight"
        if tensor.role is not Role.EMBEDDING and any(p and p.search(name) for p in wanted):
            taken += type_bytes(kind, tensor.elements_each)
    assert weights(plain) - weights(moved) == taken
    assert in_ram(moved) - in_ram(plain) == taken


def test_the_first_rule_that_matches_decides() -> None:
    rules = (r"blk\.0\.ffn_up=CUDA1", r"blk\.0\.=CPU")
    plain, moved = sized(DENSE, cards=2), sized(DENSE, *rules, cards=2)
    up = sum(i.bytes for i in matches(architecture(DENSE), "Q4_K_M", rules) if i.rule == 0)
    assert up > 0
    assert weights(moved, 1) - weights(plain, 1) == up
    layer = gguf_weights(architecture(DENSE), "Q4_K_M").layers[0]
    assert weights(plain, 0) - weights(moved, 0) == layer.rest
    assert in_ram(moved) - in_ram(plain) == layer.rest - up


def test_what_stays_in_ram_comes_to_a_card_by_a_rule_too() -> None:
    half, moved = sized(DENSE, gpu_layers=20), sized(DENSE, r"\.ffn_=CUDA0", gpu_layers=20)
    assert weights(moved) - weights(half) == in_ram(half) - in_ram(moved) > 0


def test_a_file_with_types_of_its_own_is_moved_in_its_own_bytes() -> None:
    whole = gguf_weights(architecture(MIXTURE), "Q8_0")
    moved = sized(MIXTURE, f"{EXPERTS}=CPU", gguf=whole)
    assert in_ram(moved) == whole.embedding + sum(layer.experts for layer in whole.layers)


def test_more_in_ram_is_slower() -> None:
    def speed(*rules: str) -> float:
        request = SizeRequest(
            MIXTURE, architecture(MIXTURE), "llama.cpp", devices=(card(80),), quant="Q4_K_M",
            cpu=Processor("cpu", 60_000_000_000, 16), context=4096, override_tensor=rules,
        )  # fmt: skip
        found = size(request)
        assert found.decode is not None
        assert found.prefill is not None
        return found.decode.expected

    third = r"\.ffn_up_exps=CPU"
    speeds = [speed(), speed(third), speed(f"{EXPERTS}=CPU")]
    assert all(faster > slower for faster, slower in pairwise(speeds)), speeds


def test_a_rule_that_matches_nothing_is_said() -> None:
    found = sized(DENSE, f"{EXPERTS}=CPU")
    said = [item.summary for item in found.diagnostics if item.severity == "warning"]
    assert said == [f"override_tensor: {EXPERTS}=CPU matches no tensor of {DENSE}"]
    assert not [i for i in sized(MIXTURE, f"{EXPERTS}=CPU").diagnostics if i.severity == "warning"]


def test_buffers_are_the_ram_or_a_numbered_card() -> None:
    assert [target(f"x={name}") for name in ("CPU", "CUDA0", "ROCm1", "Vulkan12")] == [-1, 0, 1, 12]
    assert [target(f"x={name}") for name in ("cpu", "CUDA", "7")] == [None, None, None]
