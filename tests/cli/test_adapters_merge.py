"""The verb that makes one adapter of several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.sources.adapter_files import read_adapter
from tests.cli.conftest import Planner
from tests.helpers.tiny_peft import write_tiny_peft


def test_the_verb_writes_a_folder_that_planner_reads(
    planner: Planner,
    tmp_path: Path,
) -> None:
    for seed, name in enumerate(("core", "sport")):
        write_tiny_peft(tmp_path / name, base="acme/base", hidden=8, feed=16, seed=seed)
    folders = [str(tmp_path / "core"), str(tmp_path / "sport")]
    target = tmp_path / "both"
    answer = planner("adapters", "merge", *folders, "--output", str(target))
    assert (answer.code, answer.err) == (0, "")
    assert "rank 8, of 2 adapters" in answer.out
    files = read_adapter(target)
    assert (files.fault, files.rank, files.base) == (None, 8, "acme/base")
    assert files.matrices["base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"] == (8, 8)

    again = planner("adapters", "merge", *folders, "--output", str(target))
    assert again.code == 2
    assert "the folder is there already" in again.err
    told = planner("adapters", "merge", *folders, "--output", f"{target}2", "--format", "json")
    assert json.loads(told.out)["rank"] == 8


@pytest.mark.parametrize("spoilt", ["missing", "cut", "nonsense", "one"])
def test_the_verb_says_what_is_wrong(
    planner: Planner,
    tmp_path: Path,
    spoilt: str,
) -> None:
    core = write_tiny_peft(tmp_path / "core", base="acme/base", hidden=8, feed=16)
    sport = write_tiny_peft(tmp_path / "sport", base="acme/base", hidden=8, feed=16, seed=1)
    weights = sport / "adapter_model.safetensors"
    if spoilt == "missing":
        weights.unlink()
    elif spoilt == "cut":
        weights.write_bytes(weights.read_bytes()[:20])
    elif spoilt == "nonsense":
        (sport / "adapter_config.json").write_text("[1]")
    folders = [str(core)] if spoilt == "one" else [str(core), str(sport)]
    answer = planner("adapters", "merge", *folders, "--output", str(tmp_path / "both"))
    assert answer.code == 2
    assert "next" in answer.err
    assert not (tmp_path / "both").exists()
