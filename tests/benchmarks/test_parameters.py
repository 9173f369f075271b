"""The count of parameters against transformers: its table, and the count where it is installed."""

from __future__ import annotations

import importlib.util

import pytest

from benchmarks.parameters import Compared, Known, build, known_models, line
from planner.sources.catalogue import PackagedCatalogue

MODELS = {known.name: known for known in known_models(PackagedCatalogue())}
MISSING = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]


def test_one_parameter_too_many_is_seen() -> None:
    known = Known("acme/model", "AcmeForCausalLM", {}, 1_000)
    assert not Compared(known, 1_000).differs
    assert Compared(known, 1_001).differs
    assert line(Compared(known, 1_001)).endswith("1,001 is +1")
    assert line(Compared(known, None, "no class")).endswith("not built: no class")


def test_every_row_and_shape_is_compared() -> None:
    assert len(MODELS) > 100
    assert MODELS["meta-llama/Llama-4-Scout-17B-16E-Instruct"].parameters == 108_641_793_536


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"needs {' and '.join(MISSING)}: pip install them")
@pytest.mark.parametrize("name", MODELS)
def test_transformers_counts_the_same(name: str) -> None:
    assert build(MODELS[name]) == MODELS[name].parameters
