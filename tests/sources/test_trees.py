"""Rendered files land in a folder of their own, exactly, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import UsageError
from planner.sources.trees import write_tree


def test_a_second_render_leaves_no_file_of_the_first(tmp_path: Path) -> None:
    out = tmp_path / "rendered"
    write_tree(out, {"box/compose.yaml": "a", "box/old.yaml": "b"})
    write_tree(out, {"box/compose.yaml": "c"})
    assert (out / "box/compose.yaml").read_text() == "c"
    assert not (out / "box/old.yaml").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="not empty"):
        write_tree(tmp_path, {"box/compose.yaml": "a"})
    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]


def test_a_mark_that_names_files_outside_removes_nothing_there(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("keep me")
    out = tmp_path / "rendered"
    write_tree(out, {"a": "1"})
    (out / ".planner-render").write_text("../outside.txt\na\n")
    write_tree(out, {"b": "2"})
    assert outside.read_text() == "keep me"
    assert not (out / "a").exists()
