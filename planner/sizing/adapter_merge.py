"""Makes one adapter of several: the exact sum of what they add to their base. Pure.

The products of each pair of matrices are kept: B1·A1 + B2·A2 = [B1 B2]·[A1; A2], so that ranks add
up. It is what PEFT calls the combination ``cat``.
"""

from __future__ import annotations

import math
import re
import struct
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

_HALF: Final = re.compile(r"\.lora_([AB])(?:\.[\w-]+)?\.weight$")
_WIDTHS: Final = {"F32": 4, "F16": 2, "BF16": 2}
# What a sum of matrices cannot express; each with what it means when it is set.
_REFUSED: Final = ("rank_pattern", "alpha_pattern", "use_dora", "modules_to_save",
                   "trainable_token_indices")  # fmt: skip


class Matrix(NamedTuple):
    """A tensor as it is stored: row after row, little-endian."""

    dtype: str
    rows: int
    columns: int
    data: bytes


class Adapter(NamedTuple):
    """An adapter's configuration and matrices. ``where`` is what people call it."""

    where: str
    config: Mapping[str, Any]
    matrices: Mapping[str, Matrix]


def merge(parts: Sequence[Adapter]) -> Adapter:
    """One adapter that does what all of them do together. Raises ValueError when there is none."""
    for part in parts:
        _check(part)
    bases = {str(part.config.get("base_model_name_or_path")) for part in parts}
    if len(bases) > 1:
        raise ValueError(f"they were trained on different bases: {', '.join(sorted(bases))}")
    scales = [_scale(part.config) for part in parts]
    ranks = [int(part.config["r"]) for part in parts]
    common = scales[0] if len(set(scales)) == 1 else 1.0
    names = sorted({name for part in parts for name in part.matrices})
    merged = {
        name: _joined(name, parts, ranks, [scale / common for scale in scales]) for name in names
    }
    modules = {item for part in parts for item in part.config.get("target_modules") or ()}
    rank = sum(ranks)
    config = {
        **parts[0].config,
        "r": rank,
        "lora_alpha": common * rank,
        "use_rslora": False,
        "target_modules": sorted(modules),
    }
    return Adapter("+".join(part.where for part in parts), config, merged)


def _check(part: Adapter) -> None:
    if str(part.config.get("peft_type", "LORA")).upper() != "LORA":
        raise ValueError(f"{part.where} is no LoRA adapter")
    for key in _REFUSED:
        if part.config.get(key):
            raise ValueError(f"{part.where} has {key}, which a sum of matrices cannot express")
    if part.config.get("bias") not in (None, "none"):
        raise ValueError(f"{part.where} has biases, which a sum of matrices cannot express")
    rank = part.config.get("r")
    if not isinstance(rank, int) or rank < 1:
        raise ValueError(f"{part.where} does not say its rank")
    for name, matrix in part.matrices.items():
        half = _HALF.search(name)
        if half is None:
            raise ValueError(f"{part.where} has {name}, which is no LoRA matrix")
        if matrix.dtype not in _WIDTHS:
            raise ValueError(f"{part.where} has {name} as {matrix.dtype}, not 16 or 32 bit floats")
        if len(matrix.data) != matrix.rows * matrix.columns * _WIDTHS[matrix.dtype]:
            raise ValueError(f"{part.where} is cut short at {name}")
        if (matrix.rows if half[1] == "A" else matrix.columns) != rank:
            raise ValueError(f"{part.where} has {name} of another rank than {rank}")


def _scale(config: Mapping[str, Any]) -> float:
    """What an engine multiplies the product with."""
    rank, alpha = int(config["r"]), float(config.get("lora_alpha") or config["r"])
    return alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank


def _joined(
    name: str, parts: Sequence[Adapter], ranks: Sequence[int], scales: Sequence[float]
) -> Matrix:
    """One matrix of all; an adapter that lacks it adds nothing, so zeros stand for it."""
    there = [part.matrices[name] for part in parts if name in part.matrices]
    half = _HALF.search(name)
    first, is_a = there[0], half is not None and half[1] == "A"
    for item in there:
        if item.dtype != first.dtype:
            raise ValueError(f"{name} is {first.dtype} in one and {item.dtype} in another")
        if (item.columns if is_a else item.rows) != (first.columns if is_a else first.rows):
            raise ValueError(f"{name} has different shapes: they are of different bases")
    width = _WIDTHS[first.dtype]
    if is_a:
        rows = [p.matrices[name].data if name in p.matrices else bytes(rank * first.columns * width)
                for p, rank in zip(parts, ranks, strict=True)]  # fmt: skip
        return Matrix(first.dtype, sum(ranks), first.columns, b"".join(rows))
    columns = [_scaled(p.matrices[name], scale) if name in p.matrices
               else bytes(first.rows * rank * width)
               for p, rank, scale in zip(parts, ranks, scales, strict=True)]  # fmt: skip
    data = bytearray()
    for row in range(first.rows):
        for block, rank in zip(columns, ranks, strict=True):
            data += block[row * rank * width : (row + 1) * rank * width]
    return Matrix(first.dtype, first.rows, sum(ranks), bytes(data))


def _scaled(matrix: Matrix, scale: float) -> bytes:
    if scale == 1.0:
        return matrix.data
    if matrix.dtype == "F32":
        return array("f", (value * scale for value in array("f", matrix.data))).tobytes()
    # 16 bit have 65,536 values: each is multiplied once
    times = _TIMES[matrix.dtype]
    table = [times(bits, scale) for bits in range(1 << 16)]
    return array("H", map(table.__getitem__, array("H", matrix.data))).tobytes()


def _half_times(bits: int, scale: float) -> int:
    (value,) = struct.unpack("<e", bits.to_bytes(2, "little"))
    try:
        return int.from_bytes(struct.pack("<e", value * scale), "little")
    except OverflowError:
        return 0x7C00 | bits & 0x8000


def _brain_times(bits: int, scale: float) -> int:
    """bfloat16 is the upper half of a float; rounded to the nearest, ties to even."""
    (value,) = struct.unpack("<f", (bits << 16).to_bytes(4, "little"))
    try:
        whole = int.from_bytes(struct.pack("<f", value * scale), "little")
    except OverflowError:
        return 0x7F80 | bits & 0x8000
    if math.isnan(value):
        return bits
    return (whole + 0x7FFF + (whole >> 16 & 1)) >> 16


_TIMES: Final[dict[str, Callable[[int, float], int]]] = {"F16": _half_times, "BF16": _brain_times}
