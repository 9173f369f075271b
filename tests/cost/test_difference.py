"""What a change costs. Golden files: PLANNER_UPDATE_GOLDEN=1 pytest tests/cost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.cost.difference import Change, CostDiff, difference
from planner.cost.estimate import estimate
from planner.cost.values import CostReport
from planner.errors import UsageError
from planner.sources.git import at_revision, reader_of
from planner.views.cost_diff import diff_to_dict, diff_to_markdown, diff_to_text
from planner.views.terminal import Style
from tests.cost.price_list import PriceList, offer
from tests.placement.builders import cards, farm, host
from tests.placement.golden_text import assert_golden

GOLDEN = Path(__file__).with_name("golden")
RENT = {"provider": "cheap", "gpu": "rtx-4090"}
PRICES = PriceList(offer("0.69 USD"))


def priced(owned: dict[str, int], rented: int = 0, budget: str = "1000 USD") -> CostReport:
    """Own hosts by their price in USD, and a number of rented ones."""
    hosts = [host(name, owned={"price": f"{usd} USD"}) for name, usd in owned.items()]
    hosts += [host(f"cloud{n}", cards(1), ram=None, rent=RENT) for n in range(rented)]
    return estimate(farm(hosts, [], budget={"monthly": budget}), None, PRICES)


def test_what_is_added_removed_and_changed() -> None:
    # box 4,800 -> 9,600 USD over 48 months: 100 -> 200; old 2,400: 50 gone; a rented card 503.70
    found = difference(priced({"box": 4800, "old": 2400}), priced({"box": 9600}, rented=1))
    assert [(c.change, c.line.resource, str(c.difference)) for c in found.changes] == [
        (Change.CHANGED, "hosts.box", "100.00 USD"),
        (Change.ADDED, "hosts.cloud0", "503.70 USD"),
        (Change.REMOVED, "hosts.old", "-50.00 USD"),
    ]
    assert str(found.difference) == "553.70 USD"


def test_two_currencies_are_not_compared() -> None:
    other = estimate(farm([host("a", owned={"price": "48 EUR"})], []), None, PRICES)
    with pytest.raises(ValueError, match="convert first"):
        difference(priced({"a": 48}), other)


HOSTS = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 10**6), max_size=5)


@given(HOSTS, st.integers(0, 2))
def test_nothing_differs_from_itself(owned: dict[str, int], rented: int) -> None:
    found = difference(priced(owned, rented), priced(owned, rented))
    assert found.changes == ()
    assert found.difference.amount == 0


@given(HOSTS, HOSTS, st.integers(0, 2), st.integers(0, 2))
def test_the_differences_of_lines_add_up(
    old: dict[str, int], new: dict[str, int], before: int, after: int
) -> None:
    one, two = priced(old, before), priced(new, after)
    found = difference(one, two)
    assert sum((c.difference.amount for c in found.changes), Decimal()) == found.difference.amount
    back = difference(two, one)
    assert back.difference.amount == -found.difference.amount
    assert len(back.changes) == len(found.changes)


@pytest.fixture
def sample() -> CostDiff:
    return difference(
        priced({"box": 4800, "old": 2400}), priced({"box": 9600}, rented=1, budget="600 USD")
    )


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("diff.txt", lambda found: diff_to_text(found, "main:farm.yaml", "farm.yaml", Style())),
        ("diff.md", lambda found: diff_to_markdown(found, "main:farm.yaml", "farm.yaml")),
        ("diff.json", lambda found: json.dumps(diff_to_dict(found, "a", "b"), indent=2) + "\n"),
    ],
)
def test_drawn(name: str, draw: Callable[[CostDiff], str], sample: CostDiff) -> None:
    assert_golden(GOLDEN / name, draw(sample))


def test_nothing_to_draw_is_said() -> None:
    same = difference(priced({"box": 4800}), priced({"box": 4800}))
    text = "a -> b\nno line differs: 100.00 USD a month as before\n"
    assert diff_to_text(same, "a", "b", Style()) == text
    assert "No line differs." in diff_to_markdown(same, "a", "b")


class TestRevisions:
    @pytest.fixture
    def repository(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        for key in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            monkeypatch.delenv(key, raising=False)
        (tmp_path / "blueprints").mkdir()
        (tmp_path / "blueprints" / "farm.yaml").write_text("planner: 1\nproject: before\n")
        self.git("init", "-q", "-b", "main")
        self.git("add", ".")
        self.git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "one")
        (tmp_path / "blueprints" / "farm.yaml").write_text("planner: 1\nproject: after\n")
        return tmp_path

    @staticmethod
    def git(*words: str) -> None:
        subprocess.run(["git", *words], check=True)

    @pytest.mark.parametrize(
        ("folder", "text"),
        [
            (".", "main:blueprints/farm.yaml"),
            ("blueprints", "main:blueprints/farm.yaml"),
            ("blueprints", "main:./farm.yaml"),
            ("blueprints", "HEAD:../blueprints/farm.yaml"),
        ],
    )
    def test_a_file_as_it_stood_then(
        self, repository: Path, folder: str, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(repository / folder)
        found = at_revision(text)
        assert found is not None
        document, faults = reader_of(found)(found.path, str(found.path))
        assert faults == ()
        assert document is not None
        assert document.data["project"] == "before"
        assert document.file.startswith(f"{found.name}:")

    def test_a_file_with_a_colon_is_a_file(self, repository: Path) -> None:
        (repository / "a:b.yaml").write_text("planner: 1\n")
        assert at_revision("a:b.yaml") is None
        assert at_revision("blueprints/farm.yaml") is None

    def test_what_the_revision_lacks_is_a_finding(self, repository: Path) -> None:
        for text in ("nope:blueprints/farm.yaml", "main:blueprints/other.yaml"):
            found = at_revision(text)
            assert found is not None
            document, (fault,) = reader_of(found)(found.path, str(found.path))
            assert document is None
            assert fault.advice is not None
            assert "git log" in fault.advice

    def test_a_revision_is_no_option_of_git(self, repository: Path) -> None:
        with pytest.raises(UsageError, match="no revision"):
            at_revision("--output=x:blueprints/farm.yaml")

    def test_without_a_repository_it_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
        with pytest.raises(UsageError, match="git does not have it"):
            at_revision("main:farm.yaml")
