"""Versions are dated data: every row is complete, and a wish finds its row."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from planner.engines.registry import ENGINES
from planner.engines.versions import EngineDataError, EngineVersion, parse_versions, pick_version
from planner.sources.templates import load_templates
from tests.engines.launches import rows_of

NAMES = [engine.name for engine in ENGINES]


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_complete(name: str) -> None:
    for row in rows_of(name):
        assert row.engine == name
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", row.date)
        assert row.source
        assert row.images or row.no_image
        assert row.flags
        assert 0 < row.port < 65536
        assert row.health.startswith("/")
        assert row.program[0].startswith("/")


@pytest.mark.parametrize("name", NAMES)
def test_probes_ask_the_port_that_is_rendered(name: str) -> None:
    """In the image that is published: without one, what it holds is not known."""
    for row in rows_of(name):
        asked = " ".join(row.health_command)
        if row.no_image:
            assert not asked
        elif name == "ollama":
            assert asked == "ollama list"  # it asks OLLAMA_HOST, which is rendered
        else:
            assert f"http://127.0.0.1:{row.port}{row.health}" in asked


def test_every_engine_has_its_rows_and_no_other() -> None:
    found = {name for name in load_templates() if name.startswith("engines/")}
    found -= {name for name in found if name.startswith("engines/services/")}
    files = {f"engines/{name}.yaml" for name in NAMES}
    options = {f"engines/options/{name}.yaml" for name in NAMES}
    assert found == files | options | {"engines/advisories.yaml"}


def rows() -> tuple[EngineVersion, ...]:
    return rows_of("vllm")


def test_without_a_wish_the_newest() -> None:
    newest, own = pick_version(rows(), None)
    assert newest is rows()[0] or newest == rows()[0]
    assert own


def test_a_version_between_two_takes_the_older_row_under_its_own_name() -> None:
    row, own = pick_version(rows(), "0.20.1")
    assert row is not None
    assert (row.version, own) == ("0.20.1", False)
    assert row.flags == next(item.flags for item in rows() if item.version == "0.19.0")
    assert row.image_for("nvidia", "8.9") == "vllm/vllm-openai:v0.20.1"


def test_what_has_changed_holds_from_its_version_on() -> None:
    by_version = {row.version: row for row in rows()}
    assert by_version["0.20.2"].outside_share == {"graphs"}
    assert not by_version["0.21.0"].outside_share
    assert by_version["0.11.2"].words["positions"] == "rope_scaling"
    assert by_version["0.12.0"].words["positions"] == "rope_parameters"


def test_a_release_candidate_is_taken_only_when_it_is_asked_for() -> None:
    newest = rows()[0]
    candidate = replace(newest, version="99.0.0rc1")
    assert pick_version((candidate, *rows()), None) == (newest, True)
    assert pick_version((candidate, *rows()), "99.0.0rc1") == (candidate, True)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_renamed_was_there_under_both_names(name: str) -> None:
    for row in rows_of(name):
        for old, new in row.renamed.items():
            assert row.elsewhere(old), old
            assert row.elsewhere(new), new


def test_a_version_older_than_all_has_no_row() -> None:
    assert pick_version(rows(), "0.6.0") == (None, False)


def test_the_image_fits_the_card() -> None:
    row = rows_of("text-embeddings-inference")[0]
    name = "ghcr.io/huggingface/text-embeddings-inference:"
    assert row.image_for("nvidia", "8.9") == f"{name}89-1.9"
    assert row.image_for("nvidia", "99.0") == f"{name}cuda-1.9"
    assert row.image_for(None, None) == f"{name}cpu-1.9"
    assert row.image_for("amd", None) is None
    assert row.image_for("apple", None) is None


def test_a_broken_row_is_a_fault() -> None:
    with pytest.raises(EngineDataError, match=r"engines/x\.yaml"):
        parse_versions("engine: x\ncommon: {}\n", "versions: [{version: '1'}]", "engines/x.yaml")
