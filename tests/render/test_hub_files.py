"""From a repository's list, the files an engine needs and no other."""

from __future__ import annotations

import pytest

from planner.pins import HubFile
from planner.render.hub_files import folder_files, gguf_files, unsafe


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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../etc/cron.d/x.json", "could lead out"),
        ("/etc/passwd.json", "could lead out"),
        ("a/../b.json", "could lead out"),
        (".ssh/authorized_keys.txt", "could lead out"),
        ("a\nb.json", "could lead out"),
        ("-o.json", "could lead out"),
        ("pytorch_model.bin", "can run code"),
        ("model.bin", "can run code"),
        ("model.pt", "can run code"),
        ("modeling_x.py", "can run code"),
        ("model.safetensors", "no SHA-256"),
        ("model.Q4_K_M.gguf", "no SHA-256"),
    ],
)
def test_what_must_not_reach_a_host_is_refused(name: str, said: str) -> None:
    assert said in str(unsafe([HubFile("config.json", 1), HubFile(name, 1)], converted=False))


def test_converted_weights_are_for_the_engine_that_loads_them() -> None:
    files = [HubFile("model.bin", 1, "a" * 64), HubFile("vocabulary.json", 1)]
    assert unsafe(files, converted=True) is None
    assert "no SHA-256" in str(unsafe([HubFile("model.bin", 1)], converted=True))
    both = [*files, HubFile("model.safetensors", 1, "b" * 64)]
    assert "model.bin" not in {file.name for file in folder_files(both)}


def test_ordinary_files_are_taken() -> None:
    names = ("model-00001-of-00002.safetensors", "sub folder/a+b@1=2.json", "Q4_K_M/x.gguf")
    files = [HubFile(name, 1, "a" * 64) for name in names]
    assert unsafe(files, converted=False) is None
