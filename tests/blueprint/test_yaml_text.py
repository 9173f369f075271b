"""YAML's traps do not bite, every position is kept, and no input is too strange."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.sources.yaml_text import MAX_BYTES, plain_value, read_yaml


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("022", "022"),
        ("22:22", "22:22"),
        ("0x1F", "0x1F"),
        ("2026-01-01", "2026-01-01"),
        ("1e3", 1000.0),
        ("1_000_000", 1_000_000),
        ("-3", -3),
        ("0", 0),
        ("0.37", 0.37),
        (".5", 0.5),
        ("true", True),
        ("null", None),
        ("~", None),
        ("1e999", "1e999"),
        ("1_", "1_"),
        ("e0", "e0"),
        ("-E7", "-E7"),
        (".e1", ".e1"),
        ("007.5", "007.5"),
        ("+1.5e-3", 0.0015),
    ],
)
def test_plain_scalars_follow_the_core_schema(written: str, meant: object) -> None:
    value = plain_value(written)
    assert value == meant
    assert type(value) is type(meant)


def test_quoted_scalars_are_text() -> None:
    document, faults = read_yaml("a: '1'\nb: \"true\"\nc: !!str 5\n", "b.yaml")
    assert not faults
    assert document is not None
    assert document.data == {"a": "1", "b": "true", "c": "5"}


def test_every_position_counts_from_one() -> None:
    document, _ = read_yaml("a:\n  - x\n  - {b: 1}\n", "b.yaml")
    assert document is not None
    assert str(document.position(("a", 1, "b"))) == "b.yaml:3:9"
    assert str(document.position(("a", 1, "b"), key=True)) == "b.yaml:3:6"
    assert str(document.position(("a", 7, "gone"))) == "b.yaml:1:1"


def test_a_key_written_twice_is_named_with_both_places() -> None:
    document, faults = read_yaml("hosts: 1\nmodels: 2\nhosts: 3\n", "b.yaml")
    assert document is not None
    assert document.data == {"hosts": 1, "models": 2}
    [fault] = faults
    assert str(fault.position) == "b.yaml:3:1"
    assert "line 1" in fault.summary


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1,\nb: 2", "this is not YAML"),
        ("\tb: 2", "this is not YAML"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("? [a]\n: 1", "a key is a list or a mapping"),
        ("a: *b", "names no anchor"),
        ("[" * 3000, "nested deeper"),
        ("a: " + "x" * MAX_BYTES, "bytes; a blueprint has at most"),
        ("- [" + "1," * 60_000 + "]", "more than"),
    ],
)
def test_what_cannot_be_read_says_so(text: str, says: str) -> None:
    document, faults = read_yaml(text, "b.yaml")
    assert document is None
    assert says in faults[-1].summary
    assert faults[-1].advice


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    document, faults = read_yaml("\n".join(rows), "bomb.yaml")
    assert document is None
    assert "aliases expand" in faults[-1].summary


def test_an_anchor_can_be_used_again() -> None:
    document, faults = read_yaml("a: &gpu {name: x}\nb: *gpu\n", "b.yaml")
    assert not faults
    assert document is not None
    assert document.data == {"a": {"name": "x"}, "b": {"name": "x"}}


@pytest.mark.parametrize("text", ["a: !!python/object:os.system x", "a: !secret x"])
def test_tags_are_refused(text: str) -> None:
    _, faults = read_yaml(text, "b.yaml")
    assert "tag" in faults[0].summary


@given(st.text())
def test_any_text_ends_in_a_document_or_a_diagnostic(text: str) -> None:
    document, faults = read_yaml(text, "b.yaml")
    assert document is not None or faults
