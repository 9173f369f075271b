"""Sizing from a hub's files: configs and headers by ranges, never the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from planner.cli.main import run
from planner.errors import BlueprintInvalid, UsageError
from planner.sources.hub_headers import read_hub_model
from planner.sources.web import ask_range
from tests.helpers.hub import COMMIT, stand_in
from tests.helpers.sparse_gguf import write_sparse_gguf
from tests.helpers.tiny_gguf import write_tiny_gguf
from tests.sizing.models import architecture

MIB = 1 << 20
CONFIG = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
    "intermediate_size": 128, "vocab_size": 1000, "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
}  # fmt: skip


def safetensors(tensors: Mapping[str, int]) -> bytes:
    """A file whose header says that many bytes of tensors, followed by as many zeros."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, size in tensors.items():
        header[name] = {"dtype": "U8", "shape": [size], "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(at)


def checkpoint(*shards: Mapping[str, int]) -> dict[str, bytes]:
    """A repository of a small model in shards."""
    names = [f"model-{i + 1:05}-of-{len(shards):05}.safetensors" for i in range(len(shards))]
    files = {name: safetensors(shard) for name, shard in zip(names, shards, strict=True)}
    return {"config.json": json.dumps(CONFIG).encode(), **files}


def test_a_checkpoint_is_sized_by_its_headers_alone() -> None:
    sent: list[int] = []
    files = checkpoint({"a": 20 * MIB, "b": 7}, {"c": 30 * MIB})
    with stand_in({"acme/small": files}, sent=sent) as (server, log):
        found = read_hub_model(f"http://{server}", "acme/small")
    assert found.checkpoint_bytes == 50 * MIB + 7
    assert found.architecture.hidden == 64
    assert found.quant == "bf16"
    assert sum(sent) < 200 * 1024
    assert all(COMMIT in path for path in log[1:])


def test_a_header_longer_than_the_first_range_is_read_whole() -> None:
    many = {f"model.layers.{i}.a.tensor.with.a.long.name": 1000 for i in range(3000)}
    sent: list[int] = []
    with stand_in({"acme/small": checkpoint(many)}, sent=sent) as (server, _):
        found = read_hub_model(f"http://{server}", "acme/small")
    assert found.checkpoint_bytes == 3_000_000
    assert sum(sent) < 1_000_000


def test_a_gguf_repository_is_sized_by_the_header_that_quant_chooses(tmp_path: Path) -> None:
    data = write_tiny_gguf(tmp_path / "tiny.gguf").read_bytes() + bytes(8 * MIB)
    files = {"tiny-Q4_K_M.gguf": data, "tiny-Q8_0.gguf": b"GGUF", "mmproj-tiny.gguf": b"GGUF"}
    sent: list[int] = []
    with stand_in({"acme/tiny-GGUF": files}, sent=sent) as (server, _):
        found = read_hub_model(f"http://{server}", "acme/tiny-GGUF", "Q4_K_M")
        with pytest.raises(BlueprintInvalid) as wrong:
            read_hub_model(f"http://{server}", "acme/tiny-GGUF")
    assert found.gguf is not None
    assert found.gguf.file_bytes > 0
    assert sum(sent) <= 2 * MIB
    assert "tiny-Q8_0.gguf" in str(wrong.value.cause)


def test_parts_of_a_gguf_file_are_added(tmp_path: Path) -> None:
    whole = write_sparse_gguf(tmp_path / "whole.gguf", architecture("Qwen/Qwen3-0.6B"), "Q8_0")
    with whole.open("rb") as file:
        head = file.read(12 * MIB)  # its header, and the start of the hole
    names = [f"m-Q8_0-0000{i}-of-00002.gguf" for i in (1, 2)]
    with stand_in({"acme/parts": dict.fromkeys(names, head)}) as (server, _):
        one = {"acme/one": {"m-Q8_0.gguf": head}}
        both = read_hub_model(f"http://{server}", "acme/parts", "Q8_0")
        with stand_in(one) as (other, _):
            single = read_hub_model(f"http://{other}", "acme/one", "Q8_0")
    assert both.gguf
    assert single.gguf
    assert both.gguf.layers[0].rest == 2 * single.gguf.layers[0].rest


def test_a_server_without_ranges_is_left_as_soon_as_the_bytes_are_there() -> None:
    class Plain:
        status_code = 200
        taken = 0

        def __enter__(self) -> Plain:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def iter_content(self, size: int) -> Any:
            for _ in range(1000):
                self.taken += size
                yield bytes(size)

    plain = Plain()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("requests.get", lambda *_, **__: plain)
        assert ask_range("http://hub/file", 100, 50) == bytes(50)
    assert plain.taken == 64 * 1024


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config.json": b"[]", "model.safetensors": safetensors({"a": 1})}, "no JSON object"),
        ({"config.json": b"{", "model.safetensors": safetensors({"a": 1})}, "not JSON"),
        ({"model.safetensors": safetensors({"a": 1})}, "no config.json"),
        ({"config.json": json.dumps(CONFIG).encode(), "model.safetensors": b"junk"}, "safetensors"),
        ({"tiny-Q8_0.gguf": b"junk"}, "is no GGUF file"),
    ],
)
def test_files_that_cannot_be_used_are_named(files: dict[str, bytes], said: str) -> None:
    with (
        stand_in({"acme/broken": files}) as (server, _),
        pytest.raises(BlueprintInvalid, match=said.replace("no JSON", "not a JSON")),
    ):
        read_hub_model(f"http://{server}", "acme/broken")


def test_a_hub_that_does_not_answer_is_said() -> None:
    with pytest.raises(UsageError, match="does not answer"):
        read_hub_model("http://127.0.0.1:9", "acme/small")


def test_fit_asks_the_hub_only_when_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["fit", "acme/small", "--on", "rtx-4090", "--context", "1k", "--format", "json"]
    with stand_in({"acme/small": checkpoint({"a": 20 * MIB})}) as (server, log):
        monkeypatch.setenv("HF_ENDPOINT", f"http://{server}")
        assert run(words) == 3
        assert not log
        capsys.readouterr()
        assert run([*words, "--from-hub"]) == 0
    weights = json.loads(capsys.readouterr().out)["devices"][0]["terms"][0]
    assert weights["bytes"] > 20 * MIB
    assert "by the files' own headers" in weights["why"]
