"""Reads a quantization as people write it: ``bf16``, ``awq int4``, ``Q4_K - Medium``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from planner.sizing.gguf import BASE
from planner.sizing.gguf_types import BLOCKS


class Storage(StrEnum):
    """How the matrices of linear layers are stored."""

    WIDE = "16 bit"
    FP32 = "32 bit"
    FP8 = "fp8 per channel"
    FP8_BLOCK = "fp8 with 128x128 scales"
    INT8 = "int8 per channel"
    AWQ = "int4 g128 with zeros (AWQ)"
    GPTQ = "int4 g128 with g_idx (GPTQ)"
    NVFP4 = "NVFP4 g16"
    MXFP4 = "MXFP4 g32, experts only"
    NF4 = "bitsandbytes nf4, double quantized"
    NF4_LOADED = "bitsandbytes nf4, scales unpacked to fp32"
    GGUF = "GGUF preset"
    GGUF_MIX = "GGUF mix without fixed rules"


GGUF_STORAGES: Final = frozenset({Storage.GGUF, Storage.GGUF_MIX})


@dataclass(frozen=True, slots=True)
class Quantization:
    """``name`` as planner writes it. ``preset`` for GGUF; ``bits`` per weight for a mix.

    ``stated_bytes`` is a size that stood in the text (``IQ4_K mix (17.7 GiB)``), ``wide_share``
    the share of the linears that a mix keeps in 16 bit. ``exact`` is False where the text leaves
    the tensors' types open and an estimate stands in.
    """

    name: str
    storage: Storage
    preset: str = ""
    bits: float = 0.0
    stated_bytes: int = 0
    exact: bool = True
    wide_share: float = 0.0


class UnknownQuantization(ValueError):
    """The text names no quantization."""


_LOOSE_PRESETS: Final = {
    "Q2_K_XL": ("Q2_K", 2.9),
    "Q3_K_XL": ("Q3_K_M", 3.75),
    "Q4_K_XL": ("Q4_K_M", 4.75),
    "Q4_K_L": ("Q4_K_M", 4.9),
    "Q5_K_XL": ("Q5_K_M", 5.65),
    "Q5_K_L": ("Q5_K_M", 5.75),
    "Q6_K_XL": ("Q6_K", 7.1),
    "Q6_K_L": ("Q6_K", 6.7),
    "Q8_K_XL": ("Q8_0", 9.6),
}
_LOOSE_WORDS: Final = (
    ("BFLOAT16", "BF16"),
    ("FLOAT16|HALF", "F16"),
    ("FP8|INT8|8-BIT", "Q8_0"),
    ("AWQ|GPTQ|INT4|NF4|BNB|W4A16|MODELOPT", "Q4_K_M"),
)
# ik_llama.cpp's types are whole-model presets with 5 to 6 bits left for attention and output
_IK_EXTRA_BITS: Final = 0.45
# unsloth's "dynamic" checkpoints keep about this share of the linears (logs of two of them)
_DYNAMIC_WIDE: Final = 0.025
_SIZES: Final = {"SMALL": "S", "MEDIUM": "M", "LARGE": "L"}
_SAFETENSORS: Final[tuple[tuple[str, Storage], ...]] = (
    (r"nvfp4|fp4 ?\(modelopt|modelopt[ _-]?fp4", Storage.NVFP4),
    (r"mxfp4", Storage.MXFP4),
    (r"awq", Storage.AWQ),
    (r"gptq|autoround|auto-round|w4a16|int4|4 ?bit int", Storage.GPTQ),
    (r"(bitsandbytes|bnb).*(8[ -]?bit|int8)", Storage.INT8),
    (r"bitsandbytes|bnb|nf4", Storage.NF4),
    (r"w8a8|int8|w8a16", Storage.INT8),
    (r"fp8.*block|block.*fp8", Storage.FP8_BLOCK),
    (r"fp8|e4m3|8-bit|8 ?bit", Storage.FP8),
    (r"fp32|float32|\bf32\b", Storage.FP32),
    (r"bf16|fp16|float16|bfloat16|\bf16\b|half", Storage.WIDE),
)
_TYPE: Final = re.compile(
    r"(?:UD-)?(IQ\d_[A-Z]+(?:_[A-Z]+)?|TQ\d_\d|Q\d_K(?:_?(?:XL|S|M|L)\b)?|Q\d_[01]|MXFP4(?:_MOE)?"
    r"|BF16|FP?16|FP?32|NVFP4)"
)


def parse_quantization(text: str, *, gguf: bool) -> Quantization:
    """Read ``text``; ``gguf`` says whether the engine reads GGUF files.

    Raises UnknownQuantization when it names nothing known.
    """
    plain = " ".join(text.strip().split())
    upper = plain.upper()
    if gguf or upper.startswith("GGUF "):
        return _gguf(plain, upper)
    for pattern, storage in _SAFETENSORS:
        if re.search(pattern, plain, re.IGNORECASE):
            mixed = storage is Storage.NF4 and re.search("dynamic|unsloth", plain, re.IGNORECASE)
            share = _DYNAMIC_WIDE if mixed else 0.0
            return Quantization(plain, storage, exact=not mixed, wide_share=share)
    if _TYPE.search(upper):
        return _gguf(plain, upper)
    raise UnknownQuantization(
        f"{text!r} is no known quantization: write bf16, fp8, fp8 block, int8, awq, gptq, nvfp4, "
        "mxfp4, nf4 or a GGUF preset such as Q4_K_M"
    )


def _stated(text: str) -> int:
    found = re.search(r"\(([\d.]+) ?GiB\)", text)
    return int(float(found[1]) * 2**30) if found else 0


def _gguf(plain: str, upper: str) -> Quantization:
    stated = _stated(plain)
    for word, letter in _SIZES.items():
        upper = re.sub(rf"_K\s*-\s*{word}", f"_K_{letter}", upper)
    upper = re.sub(r"(Q\d)_K ([SML])\b", r"\1_K_\2", upper)
    mixed = "UD-" in upper or "MIX" in upper
    upper = re.sub(r"_R[48]\b|_R16\b", "", upper)
    found = _TYPE.search(upper)
    if found is None:
        return _gguf_by_bits(plain, upper, stated)
    name = _canonical(found[1])
    if name in _LOOSE_PRESETS:
        preset, bits = _LOOSE_PRESETS[name]
        return Quantization(plain, Storage.GGUF_MIX, preset, bits, stated, exact=False)
    if name in BASE and not mixed:
        return Quantization(name, Storage.GGUF, name, 0.0, 0)
    block, size = BLOCKS.get(name.removesuffix("_S") if name not in BLOCKS else name, (0, 0))
    if name in BASE:
        return Quantization(plain, Storage.GGUF_MIX, name, 0.0, stated, exact=False)
    if block:
        bits = size * 8 / block + _IK_EXTRA_BITS
        return Quantization(plain, Storage.GGUF_MIX, "", bits, stated, exact=False)
    raise _unknown(plain)


def _canonical(name: str) -> str:
    if name in ("FP16", "F16"):
        return "F16"
    if name in ("FP32", "F32"):
        return "F32"
    if name == "MXFP4":
        return "MXFP4_MOE"
    return {"Q2_K_M": "Q2_K", "Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}.get(name, name)


def _gguf_by_bits(plain: str, upper: str, stated: int) -> Quantization:
    """``4-bit``, ``Q4`` or ``default tag`` (Ollama's default is Q4_K_M)."""
    digit = re.search(r"\bQ([2-8])\b", upper) or re.search(r"\b([2-8])[- ]?BIT", upper)
    default = {"2": "Q2_K", "3": "Q3_K_M", "4": "Q4_K_M", "5": "Q5_K_M", "6": "Q6_K", "8": "Q8_0"}
    if digit and digit[1] in default:
        return Quantization(plain, Storage.GGUF, default[digit[1]], 0.0, stated, exact=False)
    if "DEFAULT" in upper:
        return Quantization(plain, Storage.GGUF, "Q4_K_M", 0.0, stated, exact=False)
    for pattern, preset in _LOOSE_WORDS:
        if re.search(pattern, upper):
            return Quantization(plain, Storage.GGUF, preset, 0.0, stated, exact=False)
    raise _unknown(plain)


def _unknown(text: str) -> UnknownQuantization:
    return UnknownQuantization(
        f"{text!r} is no GGUF preset: write one such as Q4_K_M, Q8_0, IQ4_XS, MXFP4 or BF16"
    )
