"""From a repository's list, the files an engine needs and no other."""

from __future__ import annotations

import pytest

from planner.pins import HubFile
from planner.render.hub_files import folder_files, gguf_files


def files(*names: str) -> tuple[HubFile, ...]:
    return tuple(HubFile(name, 1) for name in names)


def names(found: tuple[HubFile, ...]) -> list[str]:
    return [file.name for file in found]


def test_a_folder_is_loaded_once() -> None:
    listed = files(
        "tokenizer.json",
        "model-00002-of-00002.safetensors",
        "model-00001-of-00002.safetensors",
        "model.safetensors.index.json",
        "consolidated.safetensors",
        "original/params.json",
        "onnx/model.onnx.json",
        "model-Q4_K_M.gguf",
        "1_Pooling/config.json",
    )
    assert names(folder_files(listed)) == [
        "1_Pooling/config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
    ]


def test_weights_in_one_piece_are_kept_where_there_are_no_others() -> None:
    listed = files("consolidated.safetensors", "params.json")
    assert names(folder_files(listed)) == ["consolidated.safetensors", "params.json"]


QUANTS = files(
    "m-Q4_K_M.gguf",
    "m-Q4_K_S.gguf",
    "m-IQ4_K_M.gguf",
    "Q8_0/m-Q8_0-00002-of-00002.gguf",
    "Q8_0/m-Q8_0-00001-of-00002.gguf",
    "mmproj-Q4_K_M.gguf",
    "README.txt",
)


@pytest.mark.parametrize(
    ("wanted", "quantization", "expected"),
    [
        (None, "Q4_K_M", ["m-Q4_K_M.gguf"]),
        (None, "q4_k_m", ["m-Q4_K_M.gguf"]),
        (None, "Q4_K", []),
        (None, "Q8_0", ["Q8_0/m-Q8_0-00001-of-00002.gguf", "Q8_0/m-Q8_0-00002-of-00002.gguf"]),
        (None, "Q5_K_M", []),
        (None, None, []),
        ("m-Q4_K_S.gguf", "Q4_K_M", ["m-Q4_K_S.gguf"]),
        (
            "Q8_0/m-Q8_0-00001-of-00002.gguf",
            None,
            ["Q8_0/m-Q8_0-00001-of-00002.gguf", "Q8_0/m-Q8_0-00002-of-00002.gguf"],
        ),
        ("no-such.gguf", None, []),
    ],
)
def test_one_file_or_its_parts(
    wanted: str | None, quantization: str | None, expected: list[str]
) -> None:
    assert names(gguf_files(QUANTS, wanted, quantization)) == expected


def test_the_only_file_needs_no_name() -> None:
    assert names(gguf_files(files("a.gguf", "config.json"), None, None)) == ["a.gguf"]
