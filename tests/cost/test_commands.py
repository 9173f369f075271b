"""The verbs about money as they are typed: answers, exit codes, what is said when they refuse."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest

from planner import deployment
from planner.cli.main import run
from planner.cost.estimate import estimate
from planner.errors import BlueprintInvalid
from tests.cost.price_list import PriceList, offer
from tests.placement.builders import farm, host

FARM = """\
planner: 1
project: farm
hosts:
  box: {address: me@192.168.1.10, gpus: [rtx-4090], ram: 64GiB, disk: 1TB,
        owned: {price: 4800 USD}, power: {idle: 60, loaded: 500, duty: 25%%}}
  cloud: {rent: {provider: runpod, gpu: rtx-4090, kind: community%s}}
models:
  chat: {source: Qwen/Qwen3-8B, quant: fp8, context: 32k, replicas: 2, on: [box, cloud]}
%s
"""


class Answer(NamedTuple):
    """What a command wrote (its standard error on one line), and its exit code."""

    out: str
    err: str
    code: int


Planner = Callable[..., Answer]


@pytest.fixture
def planner(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Planner:
    """Runs `planner WORDS...` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(*words: str) -> Answer:
        capsys.readouterr()
        code = run(list(words))
        seen = capsys.readouterr()
        return Answer(seen.out, " ".join(seen.err.split()), code)  # lines are folded for people

    return call


def write(folder: Path, rent: str = "", budget: str = "", name: str = "farm.yaml") -> str:
    text = f"budget: {{{budget}}}" if budget else ""
    (folder / name).write_text(FARM % (rent, text))
    return name


class TestEstimate:
    def test_json_goes_to_standard_output_alone(self, planner: Planner, tmp_path: Path) -> None:
        answer = planner("cost", "estimate", write(tmp_path), "--format", "json")
        assert answer.code == 0
        made = json.loads(answer.out)
        assert made["hosts"][1] == {"name": "cloud", "monthly": "248.20", "basis": "rent 248.20"}
        assert [model["name"] for model in made["models"]] == ["chat"]
        assert float(made["per_million_tokens"][0]["per_million"]) > 0

    def test_strict_refuses_an_old_quote(self, planner: Planner, tmp_path: Path) -> None:
        path = write(tmp_path)
        assert planner("cost", "estimate", path).code == 0
        strict = planner("cost", "estimate", path, "--strict")
        assert strict.code == 3
        assert "error: hosts.cloud: the price for rent of hosts.cloud is" in strict.err
        assert "the costs do not hold" in strict.err
        assert planner("cost", "estimate", path, "--strict", "--max-age", "99999").code == 0

    def test_an_old_quote_is_marked(self, planner: Planner, tmp_path: Path) -> None:
        path = write(tmp_path)
        assert "old: ask for the price of today" in planner("cost", "estimate", path).out
        young = planner("cost", "estimate", path, "--max-age", "99999")
        assert "old: ask" not in young.out

    def test_over_the_budget_is_exit_3_with_the_lines_that_push_it_over(
        self, planner: Planner, tmp_path: Path
    ) -> None:
        answer = planner("cost", "estimate", write(tmp_path, budget="monthly: 120 USD"))
        assert answer.code == 3
        assert "228.20 USD more than the budget" in answer.err
        assert "what pushes it over: hosts.cloud rent 248.20 USD" in answer.err
        assert "the month costs more than the blueprint allows" in answer.err
        assert planner("cost", "estimate", write(tmp_path, budget="monthly: 348.20 USD")).code == 0

    def test_a_rental_above_at_most_is_exit_3(self, planner: Planner, tmp_path: Path) -> None:
        answer = planner("cost", "estimate", write(tmp_path, rent=", at_most: 0.33 USD/h"))
        assert answer.code == 3
        assert "cloud costs 0.34 USD/h, more than its at_most" in answer.err
        assert "the month costs more" not in answer.err
        assert planner("cost", "estimate", write(tmp_path, rent=", at_most: 0.34 USD/h")).code == 0

    def test_hours_that_cannot_be_read_are_a_mistake_with_its_place(
        self, planner: Planner, tmp_path: Path
    ) -> None:
        path = write(tmp_path, rent=", hours: 9 to 5")
        answer = planner("validate", path)
        assert answer.code == 3
        column = (tmp_path / path).read_text().splitlines()[5].index("9 to 5") + 1
        assert f"farm.yaml:6:{column}: error: hosts.cloud.rent.hours" in answer.err
        assert "write mon-fri 09:00-19:00 Europe/Berlin, or always" in answer.err

    def test_a_quote_beside_the_inventory_counts(self, planner: Planner, tmp_path: Path) -> None:
        (tmp_path / "hosts.yaml").write_text("planner: 1\nhosts: {}\n")
        (tmp_path / "offers-mine.yaml").write_text(
            "offers:\n- {provider: runpod, gpu: rtx-4090, kind: community, price: 0.69 USD/h,"
            " source: me}\nsources:\n  me: {url: 'https://example.org', date: '2099-01-01',"
            " evidence: user}\n"
        )
        path = write(tmp_path)
        (tmp_path / path).write_text((tmp_path / path).read_text() + "inventory: hosts.yaml\n")
        answer = planner("cost", "estimate", path, "--format", "json")
        assert json.loads(answer.out)["lines"][-1]["monthly"] == "503.70"


class TestOthers:
    def test_compare_in_every_format(self, planner: Planner, tmp_path: Path) -> None:
        path = write(tmp_path)
        for words in ([], ["--format", "json"], ["--format", "markdown"]):
            answer = planner("cost", "compare", path, *words)
            assert answer.code == 0
            assert "rent at RunPod" in answer.out
        assert planner("cost", "compare", path, "--cpu", "nonsense").code == 2

    def test_diff_of_two_files(self, planner: Planner, tmp_path: Path) -> None:
        old = write(tmp_path)
        new = write(tmp_path, rent=", count: 2", name="new.yaml")
        made = json.loads(planner("cost", "diff", old, new, "--format", "json").out)
        assert made["difference"] == "248.20"
        assert [item["change"] for item in made["changes"]] == ["changed"]
        same = planner("cost", "diff", old, old)
        assert "no line differs" in same.out

    def test_diff_into_a_broken_budget_is_exit_3(self, planner: Planner, tmp_path: Path) -> None:
        old = write(tmp_path)
        new = write(tmp_path, budget="monthly: 9 USD", name="new.yaml")
        assert planner("cost", "diff", old, new).code == 3
        assert planner("cost", "diff", new, old).code == 0

    def test_diff_takes_two_sides(self, planner: Planner, tmp_path: Path) -> None:
        path = write(tmp_path)
        assert planner("cost", "diff", path, path, "--rev", "main").code == 2
        assert planner("cost", "diff", path, *["--rev", "main"] * 3).code == 2

    def test_one_file_is_set_against_the_last_commit(
        self, planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for key in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            monkeypatch.delenv(key, raising=False)
        path = write(tmp_path)
        author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        for words in (("init", "-q"), ("add", path), (*author, "commit", "-qm", "one")):
            subprocess.run(["git", *words], check=True)
        assert "no line differs" in planner("cost", "diff", path).out
        write(tmp_path, rent=", count: 2")
        for words in ((path,), (path, "--rev", "HEAD"), (f"HEAD:{path}", path)):
            made = json.loads(planner("cost", "diff", *words, "--format", "json").out)
            assert made["difference"] == "248.20"

    def test_offers(self, planner: Planner) -> None:
        answer = planner(
            "offers", "--for", "Qwen/Qwen3-8B", "--gpu", "RTX 4090", "--format", "json"
        )
        assert answer.code == 0
        made = json.loads(answer.out)["offers"]
        assert {row["device"] for row in made} == {"rtx-4090"}
        months = [float(row["monthly"]) for row in made]
        assert months == sorted(months)

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (["--at-most", "3"], 2),
            (["--at-most", "0.001 USD/h"], 3),
            (["--provider", "nobody"], 2),
            (["--gpu", "voodoo"], 2),
            (["--for", "nonsense"], 3),
            (["--for", "Qwen/Qwen3-8B", "--quant", "nonsense"], 2),
            (["--for", "Qwen/Qwen3-8B", "--engine", "nonsense"], 2),
            (["--strict", "--max-age", "1"], 3),
            (["--strict", "--max-age", "99999", "--provider", "runpod"], 0),
        ],
    )
    def test_offers_that_cannot_be(self, planner: Planner, words: list[str], code: int) -> None:
        answer = planner("offers", *words)
        assert answer.code == code
        assert "Traceback" not in answer.err


class TestPlan:
    """What `plan` and `apply` ask before they go on."""

    def planned(self, **document: Any) -> deployment.Planned:
        box = host("box", owned={"price": "4800 USD"})
        parts = {"farm": farm([box], [], **document), "replicas": (), "path": Path("farm.yaml")}
        return cast(deployment.Planned, SimpleNamespace(**parts))

    def test_a_farm_over_its_budget_is_refused(self) -> None:
        with pytest.raises(BlueprintInvalid) as caught:
            deployment.hold_budget(self.planned(budget={"monthly": "99 USD"}))
        assert caught.value.exit_code == 3
        assert "hosts.box purchase 100.00 USD" in str(caught.value.diagnostics[0].detail)

    def test_a_farm_within_its_budget_goes_on(self) -> None:
        deployment.hold_budget(self.planned(budget={"monthly": "100 USD"}))

    def test_without_a_limit_nothing_is_priced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "planner.costing", None)
        deployment.hold_budget(self.planned(budget={"electricity": "0.30 EUR/kWh"}))
        deployment.hold_budget(self.planned())
        with pytest.raises(ImportError):
            deployment.hold_budget(self.planned(budget={"monthly": "100 USD"}))


def test_a_rented_4090_at_0_69_usd_an_hour_is_503_70_usd_a_month() -> None:
    cloud = host("cloud", rent={"provider": "cheap", "gpu": "rtx-4090"})
    report = estimate(farm([cloud], []), None, PriceList(offer("0.69 USD")))
    assert str(report.monthly) == "503.70 USD"
