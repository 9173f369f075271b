"""Quantities people write and read: bytes, tokens, durations, rates.

Bytes are ``int`` everywhere inside. Binary (GiB) and decimal (GB) units are both read, never mixed:
memory is shown in GiB, because that is what drivers and engines report; disks and networks are
written in GB or TB by their makers and read as such.
"""

from __future__ import annotations

import re
from typing import Final

KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30
TIB: Final = 1 << 40

_SCALE: Final[dict[str, int]] = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "pb": 10**15,
    "kib": KIB,
    "mib": MIB,
    "gib": GIB,
    "tib": TIB,
    "pib": 1 << 50,
}
# Beyond anything that exists; arithmetic on larger ones would overflow somewhere.
_MOST_BYTES: Final = 1 << 60
_MOST_TOKENS: Final = 1 << 40
_MOST_DIGITS: Final = 40
_QUANTITY: Final = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s*([A-Za-z]+)")
_TOKENS: Final = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s*([kKmM]?)")


def parse_bytes(text: str) -> int:
    """Bytes of a size such as ``192GiB``, ``4TB`` or ``23.99 GiB``.

    Raises ValueError, with what to write instead, for a missing or unknown unit, or a fraction of
    a byte that is no rounding of a larger unit.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size: write a number and a unit, such as 64GiB or 2TB")
    number, unit = match[1].replace("_", ""), match[2].lower()
    if unit not in _SCALE:
        raise ValueError(f"{match[2]!r} is not a unit of size: write MiB, GiB, TiB, MB, GB or TB")
    scale = _SCALE[unit]
    whole, _, fraction = number.partition(".")
    if len(number) > _MOST_DIGITS:
        raise ValueError(f"{text[:20]!r}... has too many digits")
    size = int(whole) * scale + (int(fraction) * scale // 10 ** len(fraction) if fraction else 0)
    if size > _MOST_BYTES:
        raise ValueError(f"{text!r} is more than there is anywhere: write a smaller size")
    return size


def parse_tokens(text: str) -> int:
    """Tokens of a context length: ``32768``, ``32k`` (k is 1024, as model makers count) or ``1M``.

    Raises ValueError when the text is no whole positive number of tokens.
    """
    match = _TOKENS.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a number of tokens: write 32768 or 32k")
    scale = {"": 1, "k": KIB, "m": MIB}[match[2].lower()]
    whole, _, fraction = match[1].replace("_", "").partition(".")
    if len(match[1]) > _MOST_DIGITS:
        raise ValueError(f"{text[:20]!r}... has too many digits")
    tokens, rest = int(whole) * scale, 0
    if fraction:
        extra, rest = divmod(int(fraction) * scale, 10 ** len(fraction))
        tokens += extra
    if rest or tokens <= 0:
        raise ValueError(f"{text!r} is not a whole number of tokens: write 32768 or 32k")
    if tokens > _MOST_TOKENS:
        raise ValueError(f"{text!r} is more than any model takes: write a smaller number")
    return tokens


def gib(count: int) -> str:
    """``count`` bytes for people, in GiB (MiB under a tenth of one): ``21.96 GiB``."""
    if abs(count) < GIB // 10:
        return f"{count / MIB:.1f} MiB"
    return f"{count / GIB:.2f} GiB"


def tokens(count: int) -> str:
    """``count`` tokens for people: ``32k`` for exact multiples of 1024, else ``31,500``."""
    if count >= KIB and count % KIB == 0:
        return f"{count // KIB}k"
    return f"{count:,}"


def ceil_div(numerator: int, denominator: int) -> int:
    """Integer division rounded up."""
    return -(-numerator // denominator)


def round_up(value: int, step: int) -> int:
    """``value`` rounded up to a multiple of ``step``."""
    return ceil_div(value, step) * step
