"""The table of known-bad versions: what it covers, where its rows come from, and who is stopped."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from planner.blueprint.schema import Blueprint
from planner.diagnostics import Severity
from planner.engines.advisories import FILE, check_image, check_version, parse_advisories
from planner.engines.known_bad import known_bad
from planner.engines.registry import ENGINES
from planner.engines.versions import parse_versions
from planner.sources.templates import load_templates
from planner.workflows import validate

TEMPLATES = load_templates()
ROWS, IMAGES = parse_advisories(TEMPLATES[FILE])


@pytest.mark.parametrize(
    ("package", "version", "severity"),
    [
        ("litellm", "1.82.6", None),
        ("litellm", "1.82.7", "error"),
        ("litellm", "1.82.8", "error"),
        ("litellm", "1.82.9", None),
        ("pgvector", "0.8.2", "error"),
        ("pgvector", "0.8.3", None),
        ("vllm", "0.8.2", None),
        ("vllm", "0.8.3", "error"),
        ("vllm", "0.14.0", "error"),
        ("vllm", "0.14.1", "warning"),
        ("vllm", "0.18.0", None),
        ("sglang", "0.5.4", None),
        ("sglang", "0.5.9", "error"),
        ("sglang", "0.5.10", None),
        ("ollama", "0.17.0", "error"),
        ("ollama", "0.17.1", None),
        ("llama.cpp", "b8145", "warning"),
        ("llama.cpp", "b8146", None),
        ("llama.cpp", "0.7.0", None),
        ("n8n", "2.21.7", "error"),
        ("n8n", "1.123.48", None),
        ("milvus", "2.5.27", None),
        ("milvus", "2.6.9", "error"),
        ("something-else", "0.0.1", None),
    ],
)
def test_versions(package: str, version: str, severity: str | None) -> None:
    found = check_version(TEMPLATES, package, version)
    worst = min((item.severity for item in found), default=None, key=list(Severity).index)
    assert worst == severity


@pytest.mark.parametrize(
    ("reference", "bad"),
    [
        ("ghcr.io/berriai/litellm:main-v1.82.7-stable", True),
        ("ghcr.io/berriai/litellm:v1.82.8@sha256:" + "a" * 64, True),
        ("ghcr.io/berriai/litellm:v1.100.0", False),
        ("registry:5000/vllm/vllm-openai:v0.11.0", True),
        ("pgvector/pgvector:0.8.1-pg17", True),
        ("pgvector/pgvector:pg17", False),
        ("ollama/ollama@sha256:" + "b" * 64, False),
        ("ghcr.io/ggml-org/llama.cpp:server-b5000", True),
    ],
)
def test_images_say_their_version_in_their_tag(reference: str, bad: bool) -> None:
    assert bool(check_image(TEMPLATES, reference)) is bad


def test_every_row_has_a_source_and_a_date() -> None:
    for row in ROWS:
        assert row.source.startswith("https://"), row
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row.date), row
        assert row.below or row.only, row
    assert set(IMAGES.values()) <= {row.package for row in ROWS}


def test_what_planner_takes_by_itself_is_not_known_to_be_bad() -> None:
    for engine in ENGINES:
        options = TEMPLATES[f"engines/options/{engine.name}.yaml"]
        newest = parse_versions(TEMPLATES[f"engines/{engine.name}.yaml"], options, engine.name)[0]
        assert not check_version(TEMPLATES, engine.name, newest.version), engine.name


def test_a_blueprint_is_told_at_the_place_that_names_the_version() -> None:
    bad = "ghcr.io/berriai/litellm:v1.82.7"
    blueprint = Blueprint.model_validate({
        "planner": 1,
        "project": "home",
        "models": {
            "chat": {"source": "a/b", "image": "vllm/vllm-openai:v0.11.0"},
            "old": {"source": "a/b", "engine_version": "0.8.4"},
            "new": {"source": "a/b", "engine_version": "0.33.0"},
        },
        "services": {"n8n": {"version": "1.0.0"}, "web": {"image": "x/open-webui:0.8.0"}},
        "gateway": {"image": bad, "version": "1.82.8"},
    })  # fmt: skip
    engines = {"chat": "vllm", "old": "vllm", "new": "vllm"}
    found = known_bad(blueprint, engines, TEMPLATES)
    places = [item.where for item in found if item.severity == "error"]
    assert places == [
        "models.old.engine_version",
        "models.chat.image",
        "services.web.image",
        "gateway.image",
        "services.n8n.version",
        "gateway.version",
    ]


def test_validate_says_it_and_reads_nothing_where_no_version_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: str) -> dict[str, str]:
        raise AssertionError("read")

    path = tmp_path / "home.yaml"
    hosts = {"box": {"address": "me@192.168.1.10", "gpus": ["rtx-4090"]}}
    chat = {"source": "Qwen/Qwen3-8B", "quant": "fp8", "engine": "vllm"}
    document = {"planner": 1, "project": "home", "hosts": hosts, "models": {"chat": chat}}
    path.write_text(
        json.dumps({**document, "models": {"chat": {**chat, "engine_version": "0.8.4"}}})
    )
    (found,) = [d for d in validate(path).diagnostics if d.severity == "error"]
    assert found.where == "models.chat.engine_version"
    assert found.position is not None
    path.write_text(json.dumps(document))
    monkeypatch.setattr("planner.sources.templates.load_engine_data", never)
    assert not [d for d in validate(path).diagnostics if d.severity == "error"]
