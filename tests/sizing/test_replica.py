"""What sizing assumes of a replica is what rendering tells its engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner import workflows
from planner.engines.versions import parse_versions, pick_version
from planner.sizing.engines_memory import ENGINES
from planner.sources.templates import load_templates
from planner.workflows import Sized

HOSTS = "hosts: {box: {address: me@10.0.0.2, gpus: [rtx-4090x2], ram: 64GiB, disk: 1TB}}"


def sized(tmp_path: Path, model: str) -> Sized:
    path = tmp_path / "farm.yaml"
    path.write_text(f"planner: 1\nproject: farm\n{HOSTS}\nmodels: {{chat: {model}}}\n")
    return workflows.size(workflows.validate(path))


@pytest.mark.parametrize("name", ["vllm", "llama.cpp"])
def test_sizing_assumes_the_version_that_is_installed(name: str) -> None:
    file = f"engines/{name}.yaml"
    texts = load_templates()
    options = texts[f"engines/options/{name}.yaml"]
    newest, _ = pick_version(parse_versions(texts[file], options, file), None)
    assert newest is not None
    assert ENGINES[name].default_version == newest.version


def test_slots_share_one_cache_as_they_are_told_to(tmp_path: Path) -> None:
    """llama-server divides the context by explicit slots unless it is told otherwise."""
    found = sized(
        tmp_path, "{source: google/gemma-3-12b-it, engine: llama.cpp, quant: Q4_K_M,"
        " context: 8k, parallel: 4}",
    )  # fmt: skip
    report = found.placement.replicas[0].report
    cache = next(t for t in report.devices[0].terms if t.name == "kv_cache")
    assert cache.bytes == (512 + 1440) * 2**20  # four windows beside one whole context


def test_vllm_is_told_the_share_it_was_sized_with(tmp_path: Path) -> None:
    found = sized(tmp_path, "{source: Qwen/Qwen3-8B, engine: vllm, context: 8k}")
    assert found.placement.replicas[0].report.share == 0.92


def test_a_model_known_by_its_shape_has_a_place(tmp_path: Path) -> None:
    found = sized(tmp_path, "{source: Qwen/Qwen3-VL-8B-Instruct, quant: fp8, context: 8k}")
    assert found.placement.replicas[0].report.fits
    notes = [item.summary for item in found.diagnostics]
    assert any("known by its shape alone" in text for text in notes)


def test_a_name_that_nothing_knows_is_still_refused(tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    path.write_text(f"planner: 1\nproject: farm\n{HOSTS}\nmodels: {{chat: {{source: no/such}}}}\n")
    found = workflows.validate(path)
    assert any("is not in the catalogue" in item.summary for item in found.diagnostics)
