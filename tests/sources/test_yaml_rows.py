"""Rows read as PyYAML reads them, and what they must not hold is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from planner import catalogue
from planner.sources.yaml_rows import RowError, read_row

ROWS = sorted((Path(catalogue.__file__).parent / "data").rglob("*.yaml"))


@pytest.mark.parametrize("path", ROWS, ids=lambda path: path.stem)
def test_every_shipped_row_reads_as_pyyaml_reads_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # repr tells 1 from 1.0 and from True, which are equal
    assert repr(read_row(text)) == repr(yaml.safe_load(text))


def test_there_are_rows_to_read() -> None:
    assert len(ROWS) > 100


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1",
        "a: &x [1]\nb: *x",
        "a: !!str 1",
        "a: !!python/object/apply:os.system [id]",
        "a: 1\na: 2",
        "? [a]\n: 1",
        "a: 1\n---\nb: 2",
    ],
)
def test_what_rows_do_not_use_is_refused(text: str) -> None:
    with pytest.raises(RowError, match="line"):
        read_row(text)


def test_text_that_is_no_yaml_is_a_yaml_error() -> None:
    with pytest.raises(yaml.YAMLError):
        read_row("a: [")


def test_an_empty_file_holds_nothing() -> None:
    assert read_row("# only a remark\n") is None
