"""Reads a model's own files: a config.json, safetensors headers, a GGUF header. Never weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.errors import BlueprintInvalid

if TYPE_CHECKING:
    from planner.sizing.ask import ModelFiles
    from planner.sizing.gguf_header import GgufHeader

_HEADER_LIMIT = 100 * 1024 * 1024


def read_model_files(name: str) -> ModelFiles | None:
    """What the files at ``name`` say, or None when it is no path of a folder or GGUF file.

    Raises BlueprintInvalid when the files are there and cannot be used.
    """
    if not name.startswith((".", "/", "~")) and not name.endswith(".gguf"):
        return None
    path = Path(name).expanduser()
    if not path.exists():
        raise BlueprintInvalid(f"{name}: no such file or folder")
    if path.is_dir():
        return _folder(path)
    if path.suffix == ".gguf":
        return _gguf(path)
    raise BlueprintInvalid(f"{name}: give a folder with a config.json, or a GGUF file")


def _folder(path: Path) -> ModelFiles:
    from planner.sizing.architecture import UnknownArchitecture
    from planner.sizing.architectures import architecture_of
    from planner.sizing.ask import ModelFiles

    config = _json(path / "config.json")
    try:
        architecture = architecture_of(config)
    except UnknownArchitecture as wrong:
        raise BlueprintInvalid(f"{path / 'config.json'}: {wrong}") from wrong
    return ModelFiles(
        path.name, architecture, None, _stated_quantization(config), _checkpoint_bytes(path)
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise BlueprintInvalid(f"{path}: cannot be read: {fault.strerror}") from fault
    except ValueError as fault:
        raise BlueprintInvalid(f"{path}: is not JSON: {fault}") from fault
    if not isinstance(data, dict):
        raise BlueprintInvalid(f"{path}: is not a JSON object")
    return data


def _stated_quantization(config: dict[str, Any]) -> str | None:
    stated = config.get("quantization_config")
    if not isinstance(stated, dict):
        return "fp32" if config.get("torch_dtype") == "float32" else "bf16"
    method = str(stated.get("quant_method") or stated.get("quant_algo") or "")
    if method == "fp8" and stated.get("weight_block_size"):
        return "fp8 block"
    if method == "bitsandbytes":
        return "nf4" if stated.get("load_in_4bit") else "int8"
    return method or None


def _checkpoint_bytes(path: Path) -> int | None:
    """Bytes of all tensors, from the headers of the safetensors files; None without any."""
    files = sorted(path.glob("*.safetensors"))
    return sum(_tensor_bytes(file) for file in files) if files else None


def _tensor_bytes(path: Path) -> int:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= _HEADER_LIMIT:
                raise BlueprintInvalid(f"{path}: is no safetensors file")
            header = json.loads(file.read(length))
    except OSError as fault:
        raise BlueprintInvalid(f"{path}: cannot be read: {fault.strerror}") from fault
    except ValueError as fault:
        raise BlueprintInvalid(f"{path}: is no safetensors file") from fault
    offsets = (row["data_offsets"] for key, row in header.items() if key != "__metadata__")
    return sum(end - start for start, end in offsets)


def _gguf(path: Path) -> ModelFiles:
    from planner.sizing.architecture import UnknownArchitecture
    from planner.sizing.ask import ModelFiles
    from planner.sizing.gguf_model import (
        gguf_architecture,
        gguf_file_weights,
        gguf_quantization,
    )

    header = _gguf_header(path)
    try:
        architecture = gguf_architecture(header)
    except UnknownArchitecture as wrong:
        raise BlueprintInvalid(f"{path}: {wrong}") from wrong
    weights = gguf_file_weights(header, path.stat().st_size)
    name = str(header.metadata.get("general.name") or path.stem)
    return ModelFiles(name, architecture, weights, gguf_quantization(header))


def _gguf_header(path: Path) -> GgufHeader:
    """Reads as much of the file as its header needs, doubling from 1 MiB."""
    from planner.sizing.gguf_header import NotGguf, Truncated, parse_gguf_header

    length = 1 << 20
    try:
        with path.open("rb") as file:
            data = file.read(length)
            while True:
                try:
                    return parse_gguf_header(data)
                except Truncated:
                    more = file.read(len(data))
                    if not more or len(data) > _HEADER_LIMIT:
                        raise
                    data += more
    except OSError as fault:
        raise BlueprintInvalid(f"{path}: cannot be read: {fault.strerror}") from fault
    except NotGguf as wrong:
        raise BlueprintInvalid(
            f"{path}: is no GGUF file: {wrong}", advice="was its download cut short?"
        ) from wrong
