"""GGUF adapters by their headers, and adapters that change what tokens there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gguf import GGUFWriter

from planner import workflows
from planner.blueprint import schema
from planner.sizing.adapter_files import AdapterFiles, check_adapter
from planner.sources.adapter_files import read_adapter
from planner.sources.gguf_adapter import read_gguf_adapter
from tests.helpers.tiny_gguf import write_tiny_gguf
from tests.helpers.tiny_lora import write_tiny_lora
from tests.sizing.models import architecture
from tests.sizing.test_adapter_files import BASE, shapes_of, told, write


def test_a_gguf_adapter_tells_rank_modules_and_shapes(tmp_path: Path) -> None:
    files = read_gguf_adapter(write_tiny_lora(tmp_path / "a.gguf", seed=1, rank=4))
    assert files.fault is None
    assert files.rank == 4
    assert files.target_modules == ("down_proj", "up_proj")
    assert files.matrices["model.layers.1.up_proj.lora_A.weight"] == (4, 64)
    assert files.matrices["model.layers.1.down_proj.lora_B.weight"] == (64, 4)
    assert files.extras == ()
    assert files.bytes == (tmp_path / "a.gguf").stat().st_size


@pytest.mark.parametrize(
    ("layers", "hidden", "said"),
    [
        (2, 64, ""),
        (2, 32, "adapter 'calm' has the shape of another base"),
        (5, 64, "adapter 'calm' has a layer 2"),
    ],
)
def test_a_gguf_adapter_is_held_against_the_header_of_its_base(
    tmp_path: Path, layers: int, hidden: int, said: str
) -> None:
    write_tiny_gguf(tmp_path / "base.gguf")
    write_tiny_lora(tmp_path / "calm.gguf", seed=1, layers=layers, hidden=hidden)
    path = tmp_path / "farm.yaml"
    document = {
        "planner": 1,
        "project": "farm",
        "hosts": {"box": {"address": "me@10.0.0.1", "ram": "8GiB", "disk": "1TB"}},
        "models": {
            "chat": {"source": "./base.gguf", "engine": "llama.cpp", "context": "1k",
                     "parallel": 1, "adapters": ["calm"]},
        },
        "adapters": {"calm": {"base": "./base.gguf", "source": "./calm.gguf"}},
    }  # fmt: skip
    path.write_text(json.dumps(document))
    found = workflows.size(workflows.validate(path, headers=True)).diagnostics
    assert [item.summary for item in found if item.severity == "error"] == ([said] if said else [])


@pytest.mark.parametrize(
    ("kind", "sort", "said"),
    [
        ("model", "lora", "it is a model, not an adapter"),
        ("adapter", "dora", "it is of the type dora, and llama.cpp serves lora"),
        ("adapter", "lora", "there is no LoRA matrix in it"),
    ],
)
def test_a_gguf_file_that_is_no_adapter(tmp_path: Path, kind: str, sort: str, said: str) -> None:
    writer = GGUFWriter(tmp_path / "a.gguf", "qwen3")
    writer.add_type(kind)
    writer.add_string("adapter.type", sort)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert read_gguf_adapter(tmp_path / "a.gguf").fault == said


def test_a_cut_off_gguf_file_is_a_fault(tmp_path: Path) -> None:
    path = write_tiny_lora(tmp_path / "a.gguf", seed=1)
    path.write_bytes(path.read_bytes()[:200])
    assert "is no GGUF file" in (read_gguf_adapter(path).fault or "")
    path.write_bytes(b"hello")
    assert read_gguf_adapter(path).fault is not None


def test_a_rank_that_the_files_deny_is_refused_for_gguf_too(tmp_path: Path) -> None:
    files = read_gguf_adapter(write_tiny_lora(tmp_path / "a.gguf", seed=1, rank=4))
    written = schema.Adapter.model_validate({"base": "b", "source": "./a.gguf", "rank": 8})
    (found,) = check_adapter("a", written, files, None)
    assert found.summary == "adapter 'a' has rank 4, not 8"


def test_new_tokens_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "core", shapes_of(BASE))
    vocabulary = architecture(BASE).vocab
    (folder / "added_tokens.json").write_text(json.dumps({"<a>": 5, "<b>": vocabulary - 1}))
    assert told(read_adapter(folder)) == ("", "")
    decoder = {"added_tokens_decoder": {str(vocabulary): {"content": "<new>"}}}
    (folder / "tokenizer_config.json").write_text(json.dumps(decoder))
    files = read_adapter(folder)
    assert files.tokens == vocabulary + 1
    errors, _ = told(files)
    assert "adds tokens to its base" in errors
    assert f"knows {vocabulary + 1:,} tokens, the base has {vocabulary:,}" in errors
    assert "merge it" in errors


@pytest.mark.parametrize("text", ["[]", "nonsense", '{"<a>": "five"}', '{"added": null}'])
def test_a_tokenizer_that_says_nothing_is_no_fault(tmp_path: Path, text: str) -> None:
    folder = write(tmp_path / "core", shapes_of(BASE))
    for name in ("added_tokens.json", "tokenizer_config.json"):
        (folder / name).write_text(text)
    assert read_adapter(folder).tokens is None
    assert told(read_adapter(folder)) == ("", "")


@pytest.mark.parametrize(
    "tensor",
    [
        "base_model.model.model.embed_tokens.weight",
        "base_model.model.lm_head.base_layer.weight",
        "base_model.model.lm_head.modules_to_save.default.weight",
    ],
)
def test_a_resized_vocabulary_is_refused(tmp_path: Path, tensor: str) -> None:
    shapes = {**shapes_of(BASE), tensor: (1000, 2048)}
    errors, _ = told(read_adapter(write(tmp_path / "core", shapes)))
    assert f"a vocabulary of its own ({tensor})" in errors
    assert "merge it" in errors


def test_trained_tokens_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "core", shapes_of(BASE), trainable_token_indices=[1, 2])
    assert "trainable_token_indices" in told(read_adapter(folder))[0]


def test_training_beside_a_base_in_4_bit_is_a_note() -> None:
    files = AdapterFiles(rank=16, base="unsloth/Qwen3-30B-A3B-bnb-4bit")
    written = schema.Adapter.model_validate({"base": BASE, "source": "./core"})
    (found,) = check_adapter("core", written, files, None)
    assert found.severity == "note"
    assert "in few bits" in found.detail
    same = schema.Adapter.model_validate({"base": files.base, "source": "./core"})
    assert check_adapter("core", same, files, None) == ()
