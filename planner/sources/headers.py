"""Reads the headers of weight files through any reader of byte ranges: a file's, or a hub's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from planner.errors import BlueprintInvalid

if TYPE_CHECKING:
    from planner.sizing.gguf_header import GgufHeader

# (offset, length) -> those bytes, fewer where the file ends
ReadRange = Callable[[int, int], bytes]

_LIMIT: Final = 100 * 1024 * 1024
_FIRST: Final = 64 * 1024
_FIRST_GGUF: Final = 1024 * 1024  # a vocabulary alone is megabytes


def safetensors_bytes(read: ReadRange, where: str) -> int:
    """Bytes of all tensors of a safetensors file, by its header.

    Raises BlueprintInvalid naming ``where`` when it is no such file.
    """
    data = read(0, _FIRST)
    length = int.from_bytes(data[:8], "little")
    if not 0 < length <= _LIMIT:
        raise BlueprintInvalid(f"{where}: is no safetensors file")
    if len(data) < 8 + length:
        data += read(len(data), 8 + length - len(data))
    try:
        header = json.loads(data[8 : 8 + length])
        offsets = [row["data_offsets"] for key, row in header.items() if key != "__metadata__"]
        return sum(end - start for start, end in offsets)
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise BlueprintInvalid(f"{where}: is no safetensors file") from fault


def gguf_header(read: ReadRange, where: str) -> GgufHeader:
    """The header of a GGUF file; reads as much as it needs, doubling from 1 MiB.

    Raises BlueprintInvalid naming ``where`` when it is no such file, or cut short.
    """
    from planner.sizing.gguf_header import NotGguf, Truncated, parse_gguf_header

    try:
        data = read(0, _FIRST_GGUF)
        while True:
            try:
                return parse_gguf_header(data)
            except Truncated:
                more = read(len(data), len(data)) if len(data) <= _LIMIT else b""
                if not more:
                    raise
                data += more
    except NotGguf as wrong:
        raise BlueprintInvalid(
            f"{where}: is no GGUF file: {wrong}", advice="was its download cut short?"
        ) from wrong
