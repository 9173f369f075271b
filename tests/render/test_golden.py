"""Every case renders to exactly what lies in its folder.

To accept new output, run `PLANNER_UPDATE_GOLDEN=1 pytest tests/render` and read the diff.
"""

from __future__ import annotations

import pytest

from tests.render.golden_files import (
    cases,
    expected,
    render_case,
    update_wanted,
    write_expected,
)


@pytest.mark.parametrize("case", cases())
def test_renders_what_is_expected(case: str) -> None:
    texts = render_case(case)
    if update_wanted():
        write_expected(case, texts)
    assert texts == expected(case)


def test_there_are_cases() -> None:
    assert len(cases()) >= 5
