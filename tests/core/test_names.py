"""Names for things that were named otherwise before."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.blueprint.quantities import NAME_PATTERN
from planner.names import as_names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("box", "box"),
        ("Box.local", "box-local"),
        ("10.0.0.2", "host-10-0-0-2"),
        ("fd00::2", "fd00-2"),
        ("a_b", "a-b"),
        ("-", "host"),
    ],
)
def test_a_name_is_what_people_would_write(text: str, name: str) -> None:
    assert as_names([text]) == (name,)


def test_two_things_never_share_a_name() -> None:
    assert as_names(["box", "BOX", "box"]) == ("box", "box-2", "box-3")


@given(st.lists(st.text(), max_size=30))
def test_every_name_is_one_that_a_blueprint_takes(texts: list[str]) -> None:
    names = as_names(texts)
    assert len(set(names)) == len(texts)
    assert all(re.fullmatch(NAME_PATTERN, name) for name in names)
