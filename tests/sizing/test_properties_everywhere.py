"""Every engine with every model of the catalogue: more of anything lowers no term.

``test_properties.py`` holds the same for chosen models, engine by engine and version by version.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from benchmarks.parameters import known_models
from planner.catalogue.reader import PIPELINES
from planner.sizing.architecture import Kind
from planner.sizing.engines_memory import ENGINES
from planner.sizing.values import SizeReport
from planner.sources.catalogue import PackagedCatalogue
from tests.sizing.models import architecture, card, report
from tests.sizing.test_properties import terms

READER: Final = PackagedCatalogue()
NAMES: Final = tuple(known.name for known in known_models(READER)) + tuple(
    name.replace("--", "/", 1) for name in READER.names(PIPELINES)
)
# what is left of a card shrinks when anything else grows; pressed, ComfyUI's networks take turns
LEFTOVER: Final = {
    "vllm": {"kv_cache"},
    "sglang": {"kv_cache", "activations", "graphs"},
    "tgi": {"kv_cache", "graphs"},
    "lorax": {"kv_cache", "graphs"},
    "comfyui": {"weights"},
}
# what a request may ask more of, from where to where
MORE: Final = {
    "context": (256, 131_072),
    "parallel": (1, 512),
    "batch": (256, 16_384),
    "ubatch": (32, 4096),
    "adapters": (0, 8),
    "adapter_rank": (1, 256),
    "prompt_cache_bytes": (0, 2**34),
    "draft_tokens": (1, 8),
}
SHARED: Final = ("weights", "activations", "adapters")
BUSY: Final = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)


def served(engine: str, name: str) -> bool:
    return architecture(name).kind in ENGINES[engine].serves


def ask(engine: str, name: str, memory: float, cards: int, **options: Any) -> SizeReport:
    gguf = ENGINES[engine].gguf
    base: dict[str, Any] = {"quant": "Q4_K_M" if gguf else "bf16"}
    if engine == "llama.cpp":  # each sequence keeps its length
        base["unified"] = True
    return report(name, engine, *[card(memory)] * cards, **(base | options))


@BUSY
@given(
    st.sampled_from(sorted(ENGINES)),
    st.sampled_from(NAMES),
    st.sampled_from(sorted(MORE)),
    st.floats(6, 180),
    st.integers(1, 2),
    st.data(),
)
def test_more_of_anything_lowers_no_term(
    engine: str, name: str, what: str, memory: float, cards: int, data: st.DataObject
) -> None:
    assume(served(engine, name) and what in ENGINES[engine].options)
    low, high = MORE[what]
    less, more = sorted((data.draw(st.integers(low, high)), data.draw(st.integers(low, high))))
    fixed: dict[str, Any] = {"context": 8192} if what != "context" else {}
    if what in ("adapters", "adapter_rank"):
        fixed |= {"adapters": 2, "adapter_rank": 16}
    before = terms(ask(engine, name, memory, cards, **(fixed | {what: less})))
    after = terms(ask(engine, name, memory, cards, **(fixed | {what: more})))
    assert all(size >= 0 for size in (*before.values(), *after.values()))
    but = LEFTOVER.get(engine, set())
    shrunk = {
        key: (size, after.get(key, 0))
        for key, size in before.items()
        if after.get(key, 0) < size and key[1] not in but
    }
    assert not shrunk


@BUSY
@given(
    st.sampled_from(sorted(name for name, engine in ENGINES.items() if "tp" in engine.options)),
    st.sampled_from(NAMES),
    st.sampled_from(["bf16", "fp8", "fp8 block", "int8", "awq", "gptq", "nvfp4", "mxfp4", "nf4"]),
    st.sampled_from([2, 4, 8]),
)
def test_more_ranks_never_raise_the_sum_on_a_device(
    engine: str, name: str, quant: str, ranks: int
) -> None:
    """Without what is left over, and without what the ranks' own library takes."""
    assume(served(engine, name))

    def total(found: SizeReport) -> int:
        return sum(t.bytes for t in found.devices[0].terms if t.name in SHARED)

    options: dict[str, Any] = {"quant": quant, "context": 4096, "adapters": 1, "adapter_rank": 16}
    one = ask(engine, name, 80, 1, **options)
    split = ask(engine, name, 80, ranks, tp=ranks, **options)
    if engine == "sglang":  # activations are what its fraction leaves
        one, split = _without(one, "activations"), _without(split, "activations")
    assert total(split) <= total(one)


def _without(found: SizeReport, name: str) -> SizeReport:
    from dataclasses import replace

    devices = tuple(
        replace(device, terms=tuple(t for t in device.terms if t.name != name))
        for device in found.devices
    )
    return replace(found, devices=devices)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_model_is_in_the_catalogue(kind: Kind) -> None:
    assert any(architecture(name).kind is kind for name in NAMES)
