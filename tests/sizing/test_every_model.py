"""Every model of the catalogue on every engine: an answer, or a refusal in words."""

from __future__ import annotations

import pytest

from benchmarks.parameters import Known, known_models
from planner.diagnostics import has_errors
from planner.sizing.engines_memory import ENGINES
from planner.sources.catalogue import PackagedCatalogue
from tests.sizing.models import card, report

MODELS: tuple[Known, ...] = tuple(known_models(PackagedCatalogue()))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cards", [0, 1, 2])
def test_every_model_is_answered(engine: str, cards: int) -> None:
    for known in MODELS:
        found = report(known.name, engine, *[card(48)] * cards)
        terms = [term for device in found.devices for term in device.terms]
        assert all(term.bytes >= 0 for term in (*terms, *found.host.terms)), known.name
        if not found.fits:
            answered = has_errors(found.diagnostics) or any(d.free_bytes < 0 for d in found.devices)
            assert answered, known.name
