"""Text templates: complete, closed, and a blueprint that planner itself accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.render.text import fill
from planner.sources.templates import load_templates
from planner.workflows import validate

VALUES = {
    "project": "home",
    "file": "home.yaml",
    "address": "me@192.168.1.10",
    "gpu": "rtx-4090",
    "source": "Qwen/Qwen3-8B",
    "context": "32k",
}


@pytest.mark.parametrize("gpu", ["rtx-4090", ""])
def test_the_first_blueprint_is_valid(gpu: str, tmp_path: Path) -> None:
    text = fill(load_templates()["init/blueprint.yaml.j2"], {**VALUES, "gpu": gpu})
    path = tmp_path / "home.yaml"
    path.write_text(text)
    assert validate(path).valid
    assert ("gpus:" in text) is bool(gpu)


def test_a_name_without_a_value_is_a_fault() -> None:
    with pytest.raises(ValueError, match="missing"):
        fill("{{ missing }}", {})


def test_a_template_reaches_nothing_else() -> None:
    with pytest.raises(ValueError):
        fill("{{ ''.__class__.__mro__[1].__subclasses__() }}", {})
