"""Every blueprint that ships is valid, fits, has a price, and can be rendered."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from planner.sources.blueprint_files import read_document
from tests.cli.conftest import Planner
from tests.helpers.tiny_gguf import write_tiny_gguf

ROOT = Path(__file__).parents[2]
BLUEPRINTS = sorted((ROOT / "blueprints").glob("*.yaml"))


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """Copies of the blueprints and inventories, beside the files that the demo makes."""
    for folder in ("blueprints", "inventory"):
        (tmp_path / folder).mkdir()
        for file in (ROOT / folder).glob("*.yaml"):
            (tmp_path / folder / file.name).write_bytes(file.read_bytes())
    made = tmp_path / "build/quickstart"
    made.mkdir(parents=True)
    write_tiny_gguf(made / "tiny.gguf")
    (made / "llama-server.tar").write_bytes(bytes(10240))
    return tmp_path / "blueprints"


@pytest.mark.parametrize("name", [path.name for path in BLUEPRINTS])
class TestShipped:
    """One blueprint through every verb that needs no host."""

    def test_it_is_valid(self, planner: Planner, shipped: Path, name: str) -> None:
        answer = planner("validate", str(shipped / name))
        assert answer.code == 0, answer.err
        assert " is valid: " in answer.out
        assert "error:" not in answer.err

    def test_everything_in_it_has_a_place(self, planner: Planner, shipped: Path, name: str) -> None:
        answer = planner("size", str(shipped / name), "--format", "json")
        sized = json.loads(answer.out)
        assert (answer.code, sized["fits"]) == (0, True), answer.err
        assert sized["replicas"]
        for replica in sized["replicas"]:
            assert replica["host"]
            assert 0 < replica["port"] < 65536

    def test_its_cost_is_known_and_within_its_budget(
        self, planner: Planner, shipped: Path, name: str
    ) -> None:
        answer = planner("cost", "estimate", str(shipped / name), "--format", "json")
        priced = json.loads(answer.out)
        assert answer.code == 0, answer.err
        assert priced["lines"]
        assert float(priced["monthly"]) > 0

    @pytest.mark.parametrize("verb", ["size", "size --explain", "cost estimate"])
    def test_what_it_shows_fits_a_terminal(
        self, planner: Planner, shipped: Path, name: str, verb: str
    ) -> None:
        answer = planner(*verb.split(), str(shipped / name))
        lines = (answer.out + answer.err).splitlines()
        # an address that is longer than a line is better left whole
        wide = [line for line in lines if len(line) > 80 and "https://" not in line]
        assert not [line for line in wide if str(shipped) not in line]

    def test_it_begins_with_what_it_is(self, shipped: Path, name: str) -> None:
        """People open these files to learn: what it is, and what to type."""
        text = (shipped / name).read_text()
        head = re.match(r"(?:#.*\n)+", text)
        assert head is not None
        assert f"planner size blueprints/{name}" in head[0]
        document, faults = read_document(shipped / name, name)
        assert document is not None
        assert not faults


def test_there_are_some() -> None:
    assert {"quickstart.yaml", "homelab.yaml"} <= {path.name for path in BLUEPRINTS}


def with_hosts() -> list[Path]:
    """The inventories of hosts; others in that folder hold what can be rented."""
    every = sorted((ROOT / "inventory").glob("*.yaml"))
    return [path for path in every if re.search(r"^hosts:", path.read_text(), re.MULTILINE)]


@pytest.mark.parametrize("path", with_hosts(), ids=lambda path: path.name)
def test_every_inventory_is_used(path: Path) -> None:
    """An inventory that no blueprint names would be checked by nothing."""
    used = [b for b in BLUEPRINTS if f"inventory: ../inventory/{path.name}" in b.read_text()]
    assert used
