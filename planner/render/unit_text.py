"""Writes systemd units: the only way for values into a unit file.

A unit is ordered sections of (key, value) pairs. Values are words, and every word goes through
``quote``, which knows what systemd does to a line: unquoting, C escapes, ``%`` specifiers and,
in command lines, ``$`` variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=,+@~-]+")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "%": "%%"}


class Credential(NamedTuple):
    """A word of a command line: the path of one of the unit's credentials.

    It may stand after ``before``, which is ``VARIABLE=``.
    """

    name: str
    before: str = ""


Word = str | Credential


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: words are joined by blanks. ``command`` lines have their ``$`` doubled."""

    key: str
    words: tuple[Word, ...]
    command: bool = False


Section = tuple[str, Sequence[Entry]]


def entry(key: str, *words: str) -> Entry:
    """A setting."""
    return Entry(key, words)


def command(key: str, *words: Word) -> Entry:
    """A command line."""
    return Entry(key, words, command=True)


def quote(word: str, *, command: bool = False) -> str:
    """``word`` as systemd reads it back, in a setting or in a command line.

    Raises ValueError for a NUL, which no argument can hold.
    """
    if "\0" in word:
        raise ValueError("a unit cannot hold a NUL character")
    if _PLAIN.fullmatch(word):
        return word
    text = "".join(_escape(character) for character in word)
    return '"' + (text.replace("$", "$$") if command else text) + '"'


def _word(word: Word, *, command: bool) -> str:
    if isinstance(word, Credential):
        # systemd knows the folder only when it starts the unit, and puts it in here
        return f"{word.before}${{CREDENTIALS_DIRECTORY}}/{word.name}"
    return quote(word, command=command)


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character < " " or character == "\x7f":
        return f"\\x{ord(character):02x}"
    return character


def to_unit(sections: Iterable[Section]) -> str:
    """The text of a unit file."""
    return "\n".join(_section(name, entries) for name, entries in sections)


def _section(name: str, entries: Sequence[Entry]) -> str:
    return "".join([f"[{name}]\n", *(_line(item) for item in entries)])


def _line(item: Entry) -> str:
    words = " ".join(_word(word, command=item.command) for word in item.words)
    return f"{item.key}={words}\n"
