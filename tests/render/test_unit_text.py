"""What goes into a unit comes back as systemd reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.render.unit_text import command, entry, quote, to_unit
from tests.render.unit_reader import read_words

NASTY = [
    "", " ", "a b", "a\\", "$HOME", "${HOME}", "$$", "%n", "%%", "5%", '"', "'", "\\", "\\n", "\n",
    "a\nb", "\t", "\r", "\x01", "\x7f", ";", "#", "; ;", "-x", "@x", "+x", "!x", ":x", "{{x}}", "é",
    "日本", "😀", "\x85", "\u2028", "a" * 3000, "'\"$%\\\n",
]  # fmt: skip
WORDS = st.lists(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
    | st.sampled_from(NASTY),
    min_size=1,
    max_size=5,
)


def value_of(line: str) -> str:
    assert line.endswith("\n")
    key, equals, value = line[:-1].partition("=")
    assert (key, equals) == ("Key", "=")
    return value


@given(WORDS)
def test_settings_come_back(words: list[str]) -> None:
    text = to_unit([("Section", [entry("Key", *words)])]).removeprefix("[Section]\n")
    assert read_words(value_of(text), command=False) == words


@given(WORDS)
def test_commands_come_back(words: list[str]) -> None:
    text = to_unit([("Section", [command("Key", *words)])]).removeprefix("[Section]\n")
    assert read_words(value_of(text), command=True) == words


@given(WORDS)
def test_a_line_stays_a_line(words: list[str]) -> None:
    text = to_unit([("Section", [command("Key", *words)])])
    # systemd ends lines at \n, \r and NUL, and goes on after a backslash
    assert text.count("\n") == 2
    assert "\r" not in text
    assert "\0" not in text
    assert not text.rstrip("\n").endswith("\\")


@pytest.mark.parametrize("text", NASTY)
def test_each_alone(text: str) -> None:
    assert read_words(quote(text), command=False) == [text]
    assert read_words(quote(text, command=True), command=True) == [text]


def test_nul_is_refused() -> None:
    with pytest.raises(ValueError):
        quote("a\0b")


def test_sections_are_apart() -> None:
    text = to_unit([("Unit", [entry("After", "a", "b")]), ("Service", [entry("Empty")])])
    assert text == "[Unit]\nAfter=a b\n\n[Service]\nEmpty=\n"
