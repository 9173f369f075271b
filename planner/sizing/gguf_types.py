"""GGUF storage types: block sizes, and what stands in where a row does not divide into blocks."""

from __future__ import annotations

from typing import Final

# elements per block, bytes per block (constants of the gguf library; the last group is
# ik_llama.cpp's own, as its headers state bits per weight)
BLOCKS: Final[dict[str, tuple[int, int]]] = {
    "F32": (1, 4),
    "F16": (1, 2),
    "BF16": (1, 2),
    "Q4_0": (32, 18),
    "Q4_1": (32, 20),
    "Q5_0": (32, 22),
    "Q5_1": (32, 24),
    "Q8_0": (32, 34),
    "Q2_K": (256, 84),
    "Q3_K": (256, 110),
    "Q4_K": (256, 144),
    "Q5_K": (256, 176),
    "Q6_K": (256, 210),
    "IQ1_S": (256, 50),
    "IQ1_M": (256, 56),
    "IQ2_XXS": (256, 66),
    "IQ2_XS": (256, 74),
    "IQ2_S": (256, 82),
    "IQ3_XXS": (256, 98),
    "IQ3_S": (256, 110),
    "IQ4_XS": (256, 136),
    "IQ4_NL": (32, 18),
    "TQ1_0": (256, 54),
    "TQ2_0": (256, 66),
    "MXFP4": (32, 17),
    "NVFP4": (64, 36),
    "Q8_K": (256, 258),
    "IQ2_K": (256, 76),
    "IQ3_K": (256, 110),
    "IQ4_K": (256, 144),
    "IQ5_K": (256, 176),
    "IQ6_K": (256, 212),
    "IQ2_KS": (256, 70),
    "IQ3_KS": (256, 102),
    "IQ4_KS": (256, 136),
    "IQ4_KSS": (256, 128),
    "IQ5_KS": (256, 168),
    "IQ2_KL": (256, 86),
    "IQ1_KT": (256, 56),
    "IQ2_KT": (256, 68),
    "IQ3_KT": (256, 100),
    "IQ4_KT": (256, 128),
}

# llama-quant falls back like this when a row is no multiple of the block (llama.cpp
# src/llama-quant.cpp at 007dbbf)
_FALLBACK: Final = {
    "Q4_K": "Q5_0",
    "Q5_K": "Q5_1",
    "Q6_K": "Q8_0",
    "Q3_K": "Q4_0",
    "Q2_K": "Q4_0",
}


def fitting_type(kind: str, row: int) -> str:
    """``kind``, or what llama-quant takes instead when a row of ``row`` elements has no blocks."""
    if row % BLOCKS[kind][0] == 0:
        return kind
    other = _FALLBACK.get(kind, "IQ4_NL")
    return other if row % BLOCKS[other][0] == 0 else "F16"


def type_bytes(kind: str, elements: int) -> int:
    """Bytes of ``elements`` stored as ``kind``; elements are whole blocks."""
    block, size = BLOCKS[kind]
    return elements // block * size
