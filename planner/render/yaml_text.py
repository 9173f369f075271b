"""Writes values as YAML: the only way for data into a YAML file.

Readers disagree about plain text: ``no``, ``022``, ``22:22``, ``1e3`` or ``y`` are a text to one
and a boolean, number or time to the next. So a text is plain only where every reader must see a
text, and in double quotes everywhere else. A writer of our own, because PyYAML writes other bytes
with libyaml than without it, and a release is named by its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_PLAIN: Final = re.compile(r"(?:--?)?[A-Za-z/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*")
# Words that some version of YAML takes for a boolean, a null or a number.
_WORDS: Final = frozenset(
    {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"}
)
# What may stand as it is. Not str.isprintable, whose answer changes with Python's Unicode tables.
_PRINTABLE: Final = (
    (0x20, 0x7E),
    (0xA0, 0x2027),
    (0x202A, 0xD7FF),
    (0xE000, 0xFEFE),
    (0xFF00, 0xFFFD),
    (0x10000, 0x10FFFF),
)
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def to_yaml(data: object) -> str:
    """``data`` (mappings, lists, texts, whole numbers, booleans) as a YAML document.

    Mappings keep their order. Raises TypeError for anything else, and ValueError for a text with
    lone surrogates, which no file can hold.
    """
    return "".join(f"{line}\n" for line in _lines(data))


def quoted(text: str) -> str:
    """``text`` as a YAML scalar that every reader takes for that text."""
    if is_plain(text):
        return text
    text.encode()  # a lone surrogate fails here, not when the file is written
    return '"' + "".join(_escape(character) for character in text) + '"'


def is_plain(text: str) -> bool:
    """Whether every YAML reader takes the bare text for that text."""
    return _PLAIN.fullmatch(text) is not None and text.lstrip("-").lower() not in _WORDS


def _escape(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if any(first <= code <= last for first, last in _PRINTABLE):
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _lines(data: object) -> Iterator[str]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _entry(f"{_scalar(key)}:", value)
    elif isinstance(data, list) and data:
        for item in data:
            # what an item holds stands two columns further in, beside its dash
            lines = _lines(item)
            yield f"- {next(lines)}"
            yield from (f"  {line}" for line in lines)
    else:
        yield _scalar(data)


def _entry(key: str, value: object) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield key
        inset = "  " if isinstance(value, dict) else ""
        yield from (f"{inset}{line}" for line in _lines(value))
    else:
        yield f"{key} {_scalar(value)}"


def _scalar(value: object) -> str:
    match value:
        case str():
            return quoted(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case dict() | list() if not value:
            return "{}" if isinstance(value, dict) else "[]"
        case _:
            raise TypeError(f"{value!r} has no place in a YAML file of planner's")
