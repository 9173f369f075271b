"""The eight models that faults are tried on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.control import Farm
from tests.faults.eight import Eight


@pytest.fixture
def eight(farm: Farm, llama_archive: Path, tiny_model: Path, tmp_path: Path) -> Iterator[Eight]:
    """Eight models on three hosts that have nothing of them yet."""
    made = Eight(tmp_path / "eight.yaml", farm, llama_archive, tiny_model)
    made.write()
    yield made
    made.clear()
    made.bare()


@pytest.fixture
def pair(eight: Eight) -> Eight:
    """One model on a host with containers, one on a host with units."""
    eight.places = {"farm1": ("a",), "farm3": ("g",)}
    eight.write()
    return eight
