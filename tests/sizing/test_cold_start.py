"""How long a start takes when nothing is in memory yet."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from planner.engines.registry import ENGINES as RENDERED
from planner.engines.versions import parse_versions
from planner.sizing.engines_memory import ENGINES
from planner.units import GIB
from planner.views.bars import MARKS, draw_bar
from planner.views.fit import duration
from planner.views.terminal import Style
from tests.sizing.models import card, gib_of, mib_on_host, report
from tests.sizing.test_fit_command import fit


def test_a_start_reads_the_weights_and_then_compiles() -> None:
    found = report("Qwen/Qwen3-8B", "vllm", card(24), quant="bf16", context=4096)
    assert found.cold is not None
    weights = gib_of(found, "weights") * GIB
    assert found.cold.low == pytest.approx(30 + weights / 3e9)
    assert found.cold.high == pytest.approx(180 + weights / 0.5e9)


def test_every_device_reads_its_part() -> None:
    options = {"quant": "Q4_K_M", "context": 4096}
    one = report("Qwen/Qwen3-8B", "llama.cpp", card(24), **options)
    two = report("Qwen/Qwen3-8B", "llama.cpp", card(24), card(24), **options)
    assert one.cold is not None
    assert two.cold is not None
    assert two.cold.high == pytest.approx(one.cold.high, rel=0.01)


def test_an_image_pipeline_is_read_once() -> None:
    found = report("black-forest-labs/FLUX.1-dev", "comfyui", card(48), quant="bf16")
    assert found.cold is not None
    in_ram = mib_on_host(found, "weights") * 2**20
    assert found.cold.low == pytest.approx(15 + in_ram / 3e9)


def test_a_refused_model_has_no_start() -> None:
    assert report("Qwen/Qwen3-8B", "comfyui", card(24)).cold is None


@pytest.mark.parametrize("name", [engine.name for engine in RENDERED if engine.name in ENGINES])
def test_what_is_waited_for_lies_within_what_is_said(name: str) -> None:
    low, high = ENGINES[name].start_seconds
    data = files("planner.engines") / "data"
    rows, options = (data / f"{name}.yaml", data / "options" / f"{name}.yaml")
    for version in parse_versions(rows.read_text(), options.read_text(), name):
        assert low <= version.start_seconds <= high, version.version


def test_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("Qwen/Qwen3-8B", "--on", "rtx-4090", "--quant", "Q4_K_M", "--context", "8k")
    _, out, _ = fit(capsys, *words, "--explain")
    assert "cold start 4 s to 30 s" in out
    assert "read at 0.5 to 3 GB/s (assumed)" in out
    _, out, _ = fit(capsys, *words, "--format", "json")
    assert set(json.loads(out)["cold_start_seconds"]) == {"low", "high", "why"}
    assert (duration(41.2), duration(240)) == ("41 s", "4 min")


def test_every_term_can_be_drawn_in_colour() -> None:
    style = Style(color=True, unicode=True, width=80)
    bar = draw_bar([(name, 1) for name in MARKS], len(MARKS), 40, style)
    assert all(letter in bar for letter, _ in MARKS.values())
