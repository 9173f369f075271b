"""What goes into YAML comes back, whoever reads it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from planner.render.compose import literal
from planner.render.yaml_text import is_plain, quoted, to_yaml

LOADERS = [yaml.SafeLoader, yaml.CSafeLoader]
NASTY = [
    "no", "Yes", "ON", "y", "~", "null", "022", "0o17", "22:22", "1e3", "1_000", "0x1F", ".inf",
    "-.inf", "NaN", "2001-12-14", "", " ", "a ", " a", "a: b", "a #b", "#", "- a", "-", "--", "---",
    "...", "?", "*a", "&a", "!a", "%a", "@a", "`a", "{x}", "[x]", "a,b", "|", ">", "=", "<<",
    "$HOME", "$$", "{{x}}", "'", '"', "\\", "\n", "a\n", "\ta", "\r", "\x00", "\x07", "\x1b",
    "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\ufffe", "é", "日本", "😀", "a" * 300,
]  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=("Cs",))) | st.sampled_from(NASTY)
VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def read(text: str, loader: Any) -> Any:
    return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones


@pytest.mark.parametrize("loader", LOADERS)
@given(value=VALUES)
def test_values_come_back(loader: Any, value: Any) -> None:
    assert read(to_yaml(value), loader) == value


@pytest.mark.parametrize("text", NASTY)
def test_texts_stay_texts(text: str) -> None:
    data = {"key": text, text: ["x", text, {text: text}]}
    for loader in LOADERS:
        assert read(to_yaml(data), loader) == data


@given(TEXTS)
@example("a" * 5000)
def test_a_text_is_one_line(text: str) -> None:
    assert len(quoted(text).splitlines()) <= 1


@given(st.from_regex(r"(?:--?)?[A-Za-z0-9_./@+:-]{1,12}", fullmatch=True))
def test_plain_text_is_a_text_to_every_reader(text: str) -> None:
    if is_plain(text):
        assert all(read(f"{text}\n", loader) == text for loader in LOADERS)


@pytest.mark.parametrize("value", [None, 1.5, {"a": None}, [object()]])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        to_yaml(value)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError):
        to_yaml({"a": "\ud800"})


@given(VALUES)
def test_compose_variables_are_taken_literally(value: Any) -> None:
    def resolve(item: Any) -> Any:
        """What Compose makes of a file: $$ is a dollar, and a single one begins a variable."""
        if isinstance(item, str):
            rest = item.replace("$$", "")
            assert "$" not in rest
            return item.replace("$$", "$")
        if isinstance(item, dict):
            return {key: resolve(inner) for key, inner in item.items()}
        return [resolve(inner) for inner in item] if isinstance(item, list) else item

    assert resolve(literal(value)) == value
