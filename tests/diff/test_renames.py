"""Which old name a new one had: told by what both are, never guessed."""

from __future__ import annotations

import pytest

from planner.diff.renames import pairs, renamed, successors
from tests.diff.examples import as_rendered, host_bundle, weights, workload

MODEL = weights()


@pytest.mark.parametrize(
    ("gone", "new", "found"),
    [
        ({"chat": "x"}, {"talk": "x"}, {"talk": "chat"}),
        (
            {"chat": "x", "code": "y"},
            {"talk": "x", "write": "y"},
            {"talk": "chat", "write": "code"},
        ),
        ({"chat": "xx"}, {"talk": "x"}, {"talk": "chat"}),
        ({"chat": "xy"}, {"talk": "x"}, {}),
        ({"chat": "x", "code": "x"}, {"talk": "x"}, {}),
        ({"chat": "x"}, {"talk": "x", "write": "x"}, {}),
        ({"chat": "x"}, {"talk": "y"}, {}),
        ({}, {"talk": "x"}, {}),
    ],
)
def test_a_name_has_one_old_name_or_none(
    gone: dict[str, str], new: dict[str, str], found: dict[str, str]
) -> None:
    """Letters are what runs at each place of a name."""
    assert pairs(gone, new, lambda place, name: place == new[name]) == found


@pytest.mark.parametrize(
    ("gone", "new", "found"),
    [
        ((0, 1), (0, 1), {0: 0, 1: 1}),
        ((0, 1), (0,), {0: 0}),
        ((1,), (0,), {0: 1}),
        ((0, 2), (1, 2, 3), {2: 2, 1: 0}),
        ((), (0,), {}),
    ],
)
def test_replicas_keep_their_number_where_they_can(
    gone: tuple[int, ...], new: tuple[int, ...], found: dict[int, int]
) -> None:
    assert successors(gone, new) == found


def test_on_one_host_replicas_are_renamed_in_their_order() -> None:
    before = host_bundle(*(workload(f"chat-{i}", artifacts=(MODEL,)) for i in range(2)))
    after = host_bundle(*(workload(f"talk-{i}", artifacts=(MODEL,)) for i in range(2)))
    assert renamed(after, as_rendered(before)) == {"talk-0": "chat-0", "talk-1": "chat-1"}


@pytest.mark.parametrize("wished", ["models.chat", "models.code"])
def test_what_only_goes_to_another_host_keeps_its_name(wished: str) -> None:
    before = host_bundle(workload("chat-0", artifacts=(MODEL,)))
    after = host_bundle(workload("talk-0", artifacts=(MODEL,)))
    found = renamed(after, as_rendered(before), {wished})
    assert found == ({} if wished == "models.chat" else {"talk-0": "chat-0"})
