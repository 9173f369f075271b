"""A source is a path or a hub repository, told apart by how it is written."""

import pytest

from planner.blueprint.source_text import is_local


@pytest.mark.parametrize(
    ("source", "local"),
    [
        ("Qwen/Qwen3-8B", False),
        ("Qwen/Qwen3-8B@0123", False),
        ("unsloth/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf", False),
        ("unsloth/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf@0123", False),
        ("./org/name/model.gguf", True),
        ("../build/tiny.gguf", True),
        ("/srv/models/qwen", True),
        ("~/models/qwen.gguf", True),
        ("qwen.gguf", True),
        ("models/qwen.gguf", True),
    ],
)
def test_paths_and_repositories(source: str, local: bool) -> None:
    assert is_local(source) is local
