"""A small reader of unit values, after systemd.syntax(7) and systemd.service(5)."""

from __future__ import annotations

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}


def read_words(value: str, *, command: bool) -> list[str]:
    """The words of a value: unquoted, C escapes undone, then specifiers, then variables."""
    words = [_specifiers(word) for word in _split(value)]
    return [_variables(word) for word in words] if command else words


def _split(value: str) -> list[str]:
    words: list[str] = []
    word: str | None = None
    quote = ""
    position = 0
    while position < len(value):
        character = value[position]
        position += 1
        if character == "\\":
            text, position = _escape(value, position)
            word = (word or "") + text
        elif quote:
            if character == quote:
                quote = ""
            else:
                word = (word or "") + character
        elif character in "\"'":
            # quotes open only where a word begins, and an empty pair is a word
            quote, word = character, word or ""
        elif character in " \t\n\r":
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + character
    if quote:
        raise ValueError("unbalanced quotes")
    return words if word is None else [*words, word]


def _escape(value: str, position: int) -> tuple[str, int]:
    kind = value[position]
    if kind == "x":
        return chr(int(value[position + 1 : position + 3], 16)), position + 3
    return _SIMPLE.get(kind, kind), position + 1


def _specifiers(word: str) -> str:
    text = word.replace("%%", "\0")
    if "%" in text:
        raise ValueError(f"a specifier is left in {word!r}")
    return text.replace("\0", "%")


def _variables(word: str) -> str:
    text = word.replace("$$", "\0")
    if "$" in text:
        raise ValueError(f"a variable is left in {word!r}")
    return text.replace("\0", "$")
