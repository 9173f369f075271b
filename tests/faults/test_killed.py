"""Fault: kill -9 of planner, before and after every remote command, rename and record write.

Of a first apply, an upgrade, a rollback and a destroy, on three hosts with eight services. The next
apply (destroy after a destroy) converges, and nothing is there twice, or left over.
"""

from __future__ import annotations

import re

import pytest

from tests.faults.eight import FULL, Answer, Eight, spread

pytestmark = [pytest.mark.farm, pytest.mark.timeout(0 if FULL else 900)]

SAMPLE = 4


def points(answer: Answer) -> int:
    """How many points a run had."""
    assert answer.code == 0, answer.err
    found = re.search(r"^points (\d+)$", answer.err, re.MULTILINE)
    assert found
    return int(found[1])


def test_a_first_apply(eight: Eight) -> None:
    count = points(eight.apply())
    eight.whole()
    for point in spread(count, SAMPLE):
        eight.clear()
        assert eight.apply(kill_at=point).code in (-9, 0)  # a run may have a few points less
        again = eight.apply()
        assert again.code == 0, f"point {point}: {again.err}"
        eight.whole()


def test_an_upgrade(eight: Eight) -> None:
    assert eight.apply().code == 0
    eight.write("2k")
    count = points(eight.apply())
    for turn, point in enumerate(spread(count, SAMPLE)):
        eight.write("1k" if turn % 2 == 0 else "2k")
        eight.apply(kill_at=point)
        again = eight.apply()
        assert again.code == 0, f"point {point}: {again.err}"
        eight.whole()


def test_a_rollback(eight: Eight) -> None:
    assert eight.apply().code == 0
    eight.write("2k")
    assert eight.apply().code == 0
    count = points(eight.planner("rollback", "--yes"))
    assert eight.apply().code == 0
    for point in spread(count, SAMPLE):
        eight.planner("rollback", "--yes", kill_at=point)
        again = eight.apply()
        assert again.code == 0, f"point {point}: {again.err}"
        eight.whole()


def test_a_destroy(eight: Eight) -> None:
    assert eight.apply().code == 0
    count = points(eight.planner("destroy", "--yes"))
    for point in spread(count, SAMPLE):
        assert eight.apply().code == 0
        eight.planner("destroy", "--yes", kill_at=point)
        again = eight.planner("destroy", "--yes")
        assert again.code == 0, f"point {point}: {again.err}"
        eight.bare()
