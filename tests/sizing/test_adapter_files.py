"""An adapter's own files: read without opening weights, and checked against the base."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from planner import workflows
from planner.blueprint import schema
from planner.diagnostics import Severity
from planner.sizing.adapter_files import AdapterFiles, check_adapter
from planner.sources.adapter_files import read_adapter
from tests.sizing.models import architecture

BASE = "Qwen/Qwen3-30B-A3B"
OTHER = "Qwen/Qwen3-32B"


def shapes_of(model: str, rank: int = 16, layers: int = 1) -> dict[str, tuple[int, ...]]:
    """Attention matrices of an adapter that was trained on ``model``."""
    found: dict[str, tuple[int, ...]] = {}
    for tensor in architecture(model).tensors:
        if "self_attn" in tensor.name and len(tensor.shape) == 2:
            for layer in range(layers):
                name = tensor.name.format(layer=layer).removesuffix(".weight")
                stem = f"base_model.model.{name}"
                found[f"{stem}.lora_A.weight"] = (rank, tensor.shape[1])
                found[f"{stem}.lora_B.weight"] = (tensor.shape[0], rank)
    return found


def write(folder: Path, shapes: dict[str, tuple[int, ...]], **config: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    stated = {
        "peft_type": "LORA",
        "r": 16,
        "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
        "base_model_name_or_path": BASE,
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(stated | config))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, shape in shapes.items():
        size = 2 * shape[0] * shape[1]
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with (folder / "adapter_model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)
    return folder


def told(files: AdapterFiles, model: str | None = BASE, **written: Any) -> tuple[str, str]:
    """Errors, and warnings, about an adapter of ``model``."""
    spec = {"base": model or BASE, "source": "./core", **written}
    adapter = schema.Adapter.model_validate(spec)
    found = check_adapter("core", adapter, files, architecture(model) if model else None)
    texts = {Severity.ERROR: "", Severity.WARNING: "", Severity.NOTE: ""}
    for item in found:
        texts[item.severity] += f"{item.summary}; {item.detail}; {item.advice}\n"
    return texts[Severity.ERROR], texts[Severity.WARNING]


def test_a_matching_adapter_is_read_and_accepted(tmp_path: Path) -> None:
    files = read_adapter(write(tmp_path / "core", shapes_of(BASE, layers=2)))
    assert (files.rank, files.base) == (16, BASE)
    assert files.target_modules == ("k_proj", "o_proj", "q_proj", "v_proj")
    assert files.bytes > 8
    assert told(files) == ("", "")


def test_an_adapter_of_another_base_is_refused_by_its_shapes(tmp_path: Path) -> None:
    """q_proj of Qwen3-30B-A3B reads 2,048 numbers, that of Qwen3-32B 5,120."""
    files = read_adapter(write(tmp_path / "core", shapes_of(BASE), base_model_name_or_path="./b"))
    errors, _ = told(files, OTHER)
    assert "shape of another base" in errors
    assert "5,120" in errors
    assert "2,048" in errors or "4,096" in errors


def test_a_config_of_another_training_is_refused(tmp_path: Path) -> None:
    key = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    errors, _ = told(read_adapter(write(tmp_path / "core", {key: (64, 2048)})))
    assert "says rank 16, its matrices have 64" in errors
    stacked = "base_model.model.model.layers.0.mlp.experts.lora_A.weight"
    errors, _ = told(read_adapter(write(tmp_path / "more", {stacked: (2048, 2048)})))
    assert "says rank" not in errors


def test_more_layers_than_the_base_has_are_refused(tmp_path: Path) -> None:
    shapes = {"base_model.model.model.layers.60.self_attn.q_proj.lora_A.weight": (16, 2048)}
    errors, _ = told(read_adapter(write(tmp_path / "core", shapes)))
    assert "48 layers" in errors


def test_a_base_that_the_files_name_otherwise_is_refused_without_shapes() -> None:
    errors, _ = told(AdapterFiles(rank=16, base=OTHER), None)
    assert "was trained on Qwen/Qwen3-32B" in errors


def test_a_derivative_with_the_same_shapes_is_a_warning(tmp_path: Path) -> None:
    there = "Qwen/Qwen3-Coder-30B-A3B-Instruct"
    files = read_adapter(write(tmp_path / "core", shapes_of(BASE), base_model_name_or_path=there))
    errors, warnings = told(files)
    assert errors == ""
    assert "untested" in warnings


@pytest.mark.parametrize(
    "name", ["unsloth/Qwen3-30B-A3B", "unsloth/Qwen3-30B-A3B-bnb-4bit", "/data/my-base", "./base"]
)
def test_the_same_base_under_another_name_is_accepted(name: str) -> None:
    assert told(AdapterFiles(rank=16, base=name), None) == ("", "")


@pytest.mark.parametrize(
    ("config", "written", "expected"),
    [
        ({"r": 64}, {"rank": 16}, "has rank 64, not 16"),
        ({"rank_pattern": {"q_proj": 32}}, {"rank": 16}, "has rank 32"),
        ({"target_modules": ["c_attn"]}, {}, "c_attn, which its base does not have"),
        ({}, {"target_modules": ["q_proj"]}, "adapts k_proj, o_proj, q_proj, v_proj"),
        ({"modules_to_save": ["lm_head"]}, {}, "modules_to_save"),
        ({"use_dora": True}, {}, "DoRA"),
        ({"bias": "all"}, {}, "biases"),
        ({"peft_type": "IA3"}, {}, "engines serve LORA"),
    ],
)
def test_what_no_engine_can_serve_is_refused(
    tmp_path: Path, config: dict[str, Any], written: dict[str, Any], expected: str
) -> None:
    errors, _ = told(read_adapter(write(tmp_path / "core", shapes_of(BASE), **config)), **written)
    assert expected in errors


def test_a_pattern_of_target_modules_names_none(tmp_path: Path) -> None:
    files = read_adapter(write(tmp_path / "core", shapes_of(BASE), target_modules=".*_proj"))
    assert files.target_modules == ()
    assert told(files, target_modules=["q_proj"]) == ("", "")


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_pickled_weights_are_never_opened(tmp_path: Path) -> None:
    folder, mark = tmp_path / "core", tmp_path / "opened"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.bin").write_bytes(pickle.dumps(Trap(mark)))
    errors, _ = told(read_adapter(folder))
    assert "pickled" in errors
    assert "safetensors" in errors
    assert not mark.exists()
    pickle.loads((folder / "adapter_model.bin").read_bytes())  # the trap works
    assert mark.exists()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("adapter_config.json", b"[1]", "not a JSON object"),
        ("adapter_config.json", b"\xff", "not JSON"),
        ("adapter_config.json", b"[" * 100_000, "not JSON"),
        ("adapter_model.safetensors", b"", "no safetensors"),
        ("adapter_model.safetensors", b"\xff" * 64, "no safetensors"),
        ("adapter_model.safetensors", (4).to_bytes(8, "little") + b"[[[[", "no safetensors"),
    ],
)
def test_broken_files_are_told_in_words(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    folder = write(tmp_path / "core", shapes_of(BASE))
    (folder / name).write_bytes(content)
    assert expected in told(read_adapter(folder))[0]


FARM = """
planner: 1
project: test
hosts: {box: {address: me@192.168.1.10, gpus: [rtx-pro-6000-blackwell], ram: 64GiB, disk: 1TB}}
models: {agi: {source: Qwen/Qwen3-30B-A3B, engine: vllm, context: 8k, adapters: {core: ram}}}
adapters: {core: {base: Qwen/Qwen3-30B-A3B, source: ./core}}
"""


def test_size_takes_rank_and_bytes_from_the_files(tmp_path: Path) -> None:
    write(tmp_path / "core", shapes_of(BASE, rank=64, layers=48), r=64)
    (tmp_path / "farm.yaml").write_text(FARM)
    result = workflows.size(workflows.validate(tmp_path / "farm.yaml"))
    assert result.fits
    (replica,) = result.placement.replicas
    assert replica.model.adapter_rank == 64
    held = {term.name: term.bytes for term in replica.report.host.terms}
    assert held["adapters"] == (tmp_path / "core" / "adapter_model.safetensors").stat().st_size
    assert 4 * 26_738_688 < held["adapters"] < 4 * 26_738_688 + 100_000


def test_size_refuses_an_adapter_of_another_base(tmp_path: Path) -> None:
    write(tmp_path / "core", shapes_of(OTHER), base_model_name_or_path="./somewhere")
    (tmp_path / "farm.yaml").write_text(FARM)
    result = workflows.size(workflows.validate(tmp_path / "farm.yaml"))
    assert not result.fits
    assert any("another base" in item.summary for item in result.diagnostics)
