"""Every command that the README shows is run, and does what is shown there.

Those that need hosts are run by tests/e2e/test_readme.py. PLANNER_UPDATE_GOLDEN=1 writes outputs
that have changed into the page.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import console
from tests.docs.console import ROOT, Step
from tests.helpers.tiny_gguf import write_tiny_gguf
from tests.helpers.tiny_peft import write_tiny_peft

README = ROOT / "README.md"
# The kinds of commands, and the test that runs them.
RUN_BY = {
    "files": "test_commands_do_what_is_shown",
    "hosts": "tests/e2e/test_readme.py",
    "machine": "tests/e2e/test_readme.py",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout, with the files that the demo makes and the README shows."""
    folder = console.checkout(tmp_path / "planner", README)
    (folder / "build/quickstart").mkdir(parents=True)
    write_tiny_gguf(folder / "build/quickstart/tiny.gguf")
    for seed, name in enumerate(("core", "sport")):
        write_tiny_peft(folder / "adapters" / name, base="a/b", hidden=8, feed=16, seed=seed)
    with tarfile.open(folder / "build/quickstart/llama-server.tar", "w") as archive:
        archive.add(__file__, "llama-server")
    return folder


def test_commands_do_what_is_shown(checkout: Path) -> None:
    seen = {
        step: console.run(step, checkout) for step in console.steps(README) if step.kind == "files"
    }
    if os.environ.get(console.UPDATE) == "1":
        console.rewrite(README, seen)
        return
    wrong = [text for step, result in seen.items() if (text := console.differs(step, result))]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("step", console.steps(README), ids=str)
def test_some_test_runs_it(step: Step) -> None:
    assert step.kind in RUN_BY


def test_every_block_with_a_command_is_marked() -> None:
    """A command in an unmarked block would be run by nothing."""
    text = README.read_text()
    for match in re.finditer(r"^```(\S*).*\n((?:(?!```).*\n)*)```$", text, re.MULTILINE):
        if match[1] != "console":
            assert not re.search(r"^\$ ", match[2], re.MULTILINE), match[0]


def links(text: str) -> Iterator[str]:
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", outside)


@pytest.mark.parametrize("page", ["README.md", "docs/design.md", "docs/dependencies.md"])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    text = path.read_text()
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    for link in links(text):
        if link.startswith("#"):
            assert link[1:] in anchors, link
        elif not link.startswith("https://"):
            assert (path.parent / link).exists(), link


def test_lines_are_short_enough_to_read() -> None:
    tables_and_pictures = ("|", "![")
    for number, line in enumerate(README.read_text().splitlines(), 1):
        assert len(line) <= 100 or line.startswith(tables_and_pictures), f"README.md:{number}"


class TestMatching:
    """The comparison itself: a test that accepts everything would prove nothing."""

    def test_equal_lines_match(self) -> None:
        assert console.matches(["a", "b"], ["a", "b"])

    @pytest.mark.parametrize("real", [["a"], ["a", "c"], ["a", "b", "c"], ["b", "a"], []])
    def test_other_lines_do_not(self, real: list[str]) -> None:
        assert not console.matches(["a", "b"], real)

    @pytest.mark.parametrize(
        ("shown", "real"),
        [
            (["...", "b"], ["a", "b"]),
            (["...", "b"], ["b"]),
            (["a", "..."], ["a", "b", "c"]),
            (["a", "...", "d", "..."], ["a", "b", "d"]),
            (["..."], []),
        ],
    )
    def test_dots_stand_for_any_lines(self, shown: list[str], real: list[str]) -> None:
        assert console.matches(shown, real)

    @pytest.mark.parametrize(
        ("shown", "real"),
        [
            (["...", "b"], ["a", "c"]),
            (["a", "..."], ["b"]),
            (["a", "...", "a"], ["a"]),
            (["a", "...", "d", "...", "e"], ["a", "b", "e"]),
        ],
    )
    def test_dots_stand_for_nothing_else(self, shown: list[str], real: list[str]) -> None:
        assert not console.matches(shown, real)

    def test_a_failing_command_is_a_difference(self, tmp_path: Path) -> None:
        step = Step("page", 1, "files", "echo no; false", None)
        assert "ends with 1, not 0" in (console.differs(step, console.run(step, tmp_path)) or "")

    def test_a_shown_code_is_expected(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text("```console\n$ (exit 3)\n$ echo $?\n3\n$ echo hi\nho\n```\n")
        first, second = console.steps(page)
        assert console.differs(first, console.run(first, tmp_path)) is None
        assert "it prints:\nhi" in (console.differs(second, console.run(second, tmp_path)) or "")
