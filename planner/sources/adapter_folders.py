"""Reads adapters' folders whole, and writes one: what merging them needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from planner.errors import UsageError
from planner.sizing.adapter_merge import Adapter, Matrix

_CONFIG: Final = "adapter_config.json"
_WEIGHTS: Final = "adapter_model.safetensors"
_PREFIX: Final = 8  # bytes that say how long the header is


def read_folder(folder: Path) -> Adapter:
    """An adapter with its matrices. Raises UsageError when there is none."""
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        data = (folder / _WEIGHTS).read_bytes()
        start = _PREFIX + int.from_bytes(data[:_PREFIX], "little")
        header = json.loads(data[_PREFIX:start])
        header.pop("__metadata__", None)
        matrices = {name: _matrix(name, row, data, start) for name, row in header.items()}
        return Adapter(str(folder), dict(config), matrices)
    except OSError as fault:
        raise UsageError(
            "this is no adapter's folder",
            where=str(folder),
            cause=f"{Path(str(fault.filename)).name}: {fault.strerror}",
            advice=f"name a folder that holds {_CONFIG} and {_WEIGHTS}",
        ) from fault
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise UsageError(
            "its files cannot be read", where=str(folder), cause=str(fault),
            advice="save the adapter again with PEFT",
        ) from fault  # fmt: skip


def _matrix(name: str, row: dict[str, Any], data: bytes, start: int) -> Matrix:
    shape, (begin, end) = row["shape"], row["data_offsets"]
    if len(shape) != 2:
        raise ValueError(f"{name} is no matrix")
    return Matrix(row["dtype"], int(shape[0]), int(shape[1]), data[start + begin : start + end])


def write_folder(folder: Path, adapter: Adapter) -> None:
    """Write an adapter as PEFT would. Raises UsageError when the folder is there already."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, item in adapter.matrices.items():
        begin, end = end, end + len(item.data)
        header[name] = {
            "dtype": item.dtype,
            "shape": [item.rows, item.columns],
            "data_offsets": [begin, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _PREFIX)
    try:
        folder.mkdir(parents=True)
        with (folder / _WEIGHTS).open("wb") as file:
            file.write(len(text).to_bytes(_PREFIX, "little") + text)
            file.writelines(item.data for item in adapter.matrices.values())
        (folder / _CONFIG).write_text(json.dumps(dict(adapter.config), indent=2) + "\n")
    except FileExistsError as fault:
        raise UsageError(
            "the folder is there already", where=str(folder), advice="name another with --output"
        ) from fault
    except OSError as fault:
        raise UsageError(
            "the folder cannot be written", where=str(folder), cause=fault.strerror
        ) from fault
