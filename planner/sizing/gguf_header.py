"""Parses a GGUF file's header from its first bytes. Pure: the bytes come in as an argument.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 2 and 3, little-endian).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"GGUF"
# Lists longer than this (vocabularies) are kept as their length: sizing needs no tokens.
_KEPT_ITEMS: Final = 4096
_MAX_NAME: Final = 1 << 16

_SCALARS: Final[dict[int, struct.Struct]] = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_STRING: Final = 8
_ARRAY: Final = 9
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")

# ggml type numbers (ggml/include/ggml.h)
TYPES: Final[dict[int, str]] = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K",
    11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS",
    19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 30: "BF16",
    34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip


class NotGguf(ValueError):
    """The bytes are no GGUF header, or a damaged one."""


class Truncated(NotGguf):
    """The header goes on beyond the bytes that were given."""


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor: its dimensions as stored (fastest first), its type, its place in the data."""

    name: str
    shape: tuple[int, ...]
    type: str | None
    offset: int

    @property
    def elements(self) -> int:
        """The number of its values."""
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(frozen=True, slots=True)
class ItemCount:
    """Stands for a long list: how many items it has."""

    count: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Metadata by key and tensors in the order of the file."""

    metadata: Mapping[str, object]
    tensors: tuple[GgufTensor, ...]
    data_offset: int

    @property
    def blocks(self) -> int | None:
        """Blocks that read a text; a head that guesses comes after them and is counted by
        ``block_count`` too. None where the header has no count.
        """
        family = self.metadata.get("general.architecture")
        count = self.metadata.get(f"{family}.block_count")
        heads = self.metadata.get(f"{family}.nextn_predict_layers")
        if not isinstance(count, int):
            return None
        return count - heads if isinstance(heads, int) and 0 < heads < count else count


class _Reader:
    """Walks over the bytes; every read says when they do not suffice."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.at = 0

    def take(self, count: int) -> memoryview:
        end = self.at + count
        if end > len(self._data):
            raise Truncated("the header goes on beyond what was read")
        part = self._data[self.at : end]
        self.at = end
        return part

    def u32(self) -> int:
        return int(_U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack(self.take(8))[0])

    def string(self, limit: int | None = None) -> str:
        length = self.u64()
        if limit is not None and length > limit:
            raise NotGguf("a name is longer than any name is")
        return bytes(self.take(length)).decode("utf-8", "replace")

    def value(self, kind: int) -> object:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array()
        scalar = _SCALARS.get(kind)
        if scalar is None:
            raise NotGguf(f"a value of the unknown type {kind}")
        return scalar.unpack(self.take(scalar.size))[0]

    def _array(self) -> object:
        kind, count = self.u32(), self.u64()
        scalar = _SCALARS.get(kind)
        if count > _KEPT_ITEMS:
            if scalar is not None:
                self.take(scalar.size * count)
            else:
                for _ in range(count):
                    self._skip(kind)
            return ItemCount(count)
        return [self.value(kind) for _ in range(count)]

    def _skip(self, kind: int) -> None:
        if kind == _STRING:
            self.take(self.u64())
        else:
            self.value(kind)


def parse_gguf_header(data: bytes) -> GgufHeader:
    """The header at the start of ``data``.

    Raises Truncated when ``data`` must be longer, NotGguf when it is something else.
    """
    reader = _Reader(data)
    if bytes(reader.take(4)) != MAGIC:
        raise NotGguf("it does not start with GGUF")
    version = reader.u32()
    if version not in (2, 3):
        raise NotGguf(f"version {version} of the format is not read")
    tensor_count, key_count = reader.u64(), reader.u64()
    metadata: dict[str, object] = {}
    for _ in range(key_count):
        key = reader.string(_MAX_NAME)
        metadata[key] = reader.value(reader.u32())
    tensors = tuple(_tensor(reader) for _ in range(tensor_count))
    alignment = metadata.get("general.alignment", 32)
    step = alignment if isinstance(alignment, int) and alignment > 0 else 32
    return GgufHeader(metadata, tensors, -(-reader.at // step) * step)


def _tensor(reader: _Reader) -> GgufTensor:
    name = reader.string(_MAX_NAME)
    dimensions = reader.u32()
    if dimensions > 8:
        raise NotGguf("a tensor has more dimensions than ggml knows")
    shape = tuple(reader.u64() for _ in range(dimensions))
    return GgufTensor(name, shape, TYPES.get(reader.u32()), reader.u64())
