"""Reads a model's own files: a config.json, safetensors headers, a GGUF header. Never weights."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planner.errors import BlueprintInvalid
from planner.sources.headers import ReadRange, gguf_header, safetensors_bytes
from planner.sources.paths import is_file, is_folder

if TYPE_CHECKING:
    from planner.sizing.ask import ModelFiles
    from planner.sizing.gguf_header import GgufHeader

# signs in a config's quantization method, and what sizing calls that; the first that is there
_METHODS: Final = (
    ("nvfp4", "nvfp4"), ("mxfp4", "mxfp4"), ("awq", "awq"), ("gptq", "gptq"),
    ("auto-round", "gptq"), ("fp8", "fp8"), ("eetq", "int8"), ("int8", "int8"),
)  # fmt: skip


def read_model_files(name: str) -> ModelFiles | None:
    """What the files at ``name`` say, or None when it is no path of a folder or GGUF file.

    Raises BlueprintInvalid when the files are there and cannot be used.
    """
    if not name.startswith((".", "/", "~")) and not name.endswith(".gguf"):
        return None
    path = Path(os.path.expanduser(name))
    if not is_file(path) and not is_folder(path):
        raise BlueprintInvalid(f"{name}: no such file or folder")
    if is_folder(path):
        return _folder(path)
    if path.suffix == ".gguf":
        return _gguf(path)
    raise BlueprintInvalid(f"{name}: give a folder with a config.json, or a GGUF file")


def _folder(path: Path) -> ModelFiles:
    where = path / "config.json"
    if not where.exists():
        raise BlueprintInvalid(
            f"{path}: this folder has no config.json",
            advice="name the folder of a model as the hub has it, or one GGUF file in it",
        )
    try:
        config = parse_config(where.read_bytes(), str(where))
    except OSError as fault:
        raise BlueprintInvalid(f"{where}: cannot be read: {fault.strerror}") from fault
    return folder_model(path.name, config, str(where), _checkpoint_bytes(path))


def folder_model(
    name: str, config: dict[str, Any], where: str, checkpoint_bytes: int | None
) -> ModelFiles:
    """What a config says, with the bytes of its checkpoint where they were read.

    Raises BlueprintInvalid naming ``where`` for an architecture that planner cannot size.
    """
    from planner.sizing.architecture import UnknownArchitecture
    from planner.sizing.architectures import architecture_of
    from planner.sizing.ask import ModelFiles

    try:
        architecture = architecture_of(config)
    except UnknownArchitecture as wrong:
        raise BlueprintInvalid(f"{where}: {wrong}") from wrong
    return ModelFiles(name, architecture, None, stated_quantization(config), checkpoint_bytes)


def parse_config(data: bytes, where: str) -> dict[str, Any]:
    """A config.json. Raises BlueprintInvalid naming ``where`` when it is none."""
    try:
        config = json.loads(data)
    except ValueError as fault:
        raise BlueprintInvalid(f"{where}: is not JSON: {fault}") from fault
    if not isinstance(config, dict):
        raise BlueprintInvalid(f"{where}: is not a JSON object")
    return config


def stated_quantization(config: dict[str, Any]) -> str | None:
    """The format of a checkpoint as its config says it, in words that sizing reads; None for one
    that it does not know."""
    stated = config.get("quantization_config")
    if not isinstance(stated, dict):
        kind = config.get("torch_dtype") or config.get("dtype")
        return "fp32" if kind == "float32" else "bf16"
    method = str(stated.get("quant_method") or "")
    if method == "fp8" and stated.get("weight_block_size"):
        return "fp8 block"
    if method == "bitsandbytes":
        return "nf4" if stated.get("load_in_4bit") else "int8"
    if method == "compressed-tensors":
        return _compressed(stated)
    words = f"{method} {stated.get('quant_algo') or ''}"
    return next((name for sign, name in _METHODS if sign in words.lower()), None)


def _compressed(stated: dict[str, Any]) -> str | None:
    """compressed-tensors says bits and kind of number, group by group; the first one counts."""
    groups = stated.get("config_groups")
    first = next(iter(groups.values()), None) if isinstance(groups, dict) else None
    weights = first.get("weights") if isinstance(first, dict) else None
    if not isinstance(weights, dict):
        return None
    wide, whole = weights.get("num_bits"), weights.get("type") == "int"
    if wide == 8:
        block = "fp8 block" if weights.get("strategy") == "block" else "fp8"
        return "int8" if whole else block
    if wide == 4 and not whole:
        return "mxfp4" if weights.get("group_size") == 32 else "nvfp4"
    return "gptq" if wide == 4 else None


def _checkpoint_bytes(path: Path) -> int | None:
    """Bytes of all tensors, from the headers of the safetensors files; None without any."""
    files = sorted(path.glob("*.safetensors"))
    return sum(safetensors_bytes(reader(file), str(file)) for file in files) if files else None


def _gguf(path: Path) -> ModelFiles:
    header = gguf_header(reader(path), str(path))
    return gguf_model([(header, path.stat().st_size)], path.stem, str(path))


def gguf_model(
    parts: Sequence[tuple[GgufHeader, int]], fallback_name: str, where: str
) -> ModelFiles:
    """What the headers of a GGUF file's parts say, each beside the bytes of its file.

    The first part holds the metadata. Raises BlueprintInvalid naming ``where`` for an architecture
    that planner cannot size.
    """
    from planner.sizing.architecture import UnknownArchitecture
    from planner.sizing.ask import ModelFiles
    from planner.sizing.gguf_model import (
        gguf_architecture,
        gguf_parts_weights,
        gguf_quantization,
        joined_header,
    )

    header = joined_header([part for part, _ in parts])
    try:
        architecture = gguf_architecture(header)
    except UnknownArchitecture as wrong:
        raise BlueprintInvalid(f"{where}: {wrong}") from wrong
    name = str(header.metadata.get("general.name") or fallback_name)
    return ModelFiles(name, architecture, gguf_parts_weights(parts), gguf_quantization(header))


def reader(path: Path) -> ReadRange:
    """Reads ranges of a local file. What it returns raises BlueprintInvalid when it cannot."""

    def read(offset: int, length: int) -> bytes:
        try:
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as fault:
            raise BlueprintInvalid(f"{path}: cannot be read: {fault.strerror}") from fault

    return read
