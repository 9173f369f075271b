"""Active experts and YaRN reach each engine by the road of its version, or are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planner.diagnostics import Severity
from planner.engines.arguments import arguments, check_arguments, environment
from planner.engines.engine import Launch
from tests.engines.launches import engine_of, launch, model_facts, one_card, rows_of, value

MOE, SEES = "Qwen/Qwen3-30B-A3B", "google/gemma-3-27b-it"
STRETCHED = {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32768}


def asked(engine: str, version: str | None = None, name: str = MOE, **spec: Any) -> Launch:
    fields = {"facts": model_facts(name), "context": 65536, "yarn": 2.0}
    return launch(engine, one_card(), version=version, fields=fields, **spec)


def told(engine: str, version: str | None = None, name: str = MOE) -> list[str]:
    experts = {"experts_per_token": 12} if name == MOE else {}
    return list(arguments(engine_of(engine), asked(engine, version, name, **experts)))


def read(line: list[str], option: str) -> Any:
    return json.loads(value(line, option))


def test_vllm_by_an_option_of_its_own_until_0_10() -> None:
    for version in ("0.8.5.post1", "0.9.2", "0.10.2"):
        line = told("vllm", version)
        assert read(line, "--rope-scaling") == STRETCHED
        assert read(line, "--hf-overrides") == {"num_experts_per_tok": 12}


def test_vllm_by_the_configuration_s_key_of_its_transformers() -> None:
    wanted = {"num_experts_per_tok": 12, "rope_scaling": STRETCHED}
    assert read(told("vllm", "0.11.2"), "--hf-overrides") == wanted
    for version in ("0.12.0", "0.33.0"):
        found = read(told("vllm", version), "--hf-overrides")
        assert found == {
            "num_experts_per_tok": 12,
            "rope_parameters": {**STRETCHED, "rope_theta": 1000000},
        }


def test_a_model_that_also_sees_is_told_in_its_language_part() -> None:
    assert set(read(told("vllm", None, SEES), "--hf-overrides")) == {"text_config"}
    override = "--json-model-override-args"
    assert set(read(told("sglang", None, SEES), override)) == {"text_config"}


def test_sglang_by_the_configuration_s_key_of_its_transformers() -> None:
    override = "--json-model-override-args"
    for version in ("0.5.9", "0.5.4.post3"):
        assert read(told("sglang", version), override)["rope_scaling"] == STRETCHED
    for version in ("0.5.10.post1", "0.5.23"):
        found = read(told("sglang", version), override)
        assert found["rope_parameters"] == {**STRETCHED, "rope_theta": 1000000}
        assert found["num_experts_per_tok"] == 12


def test_sglang_is_allowed_the_context_that_yarn_reaches() -> None:
    pairs = environment(engine_of("sglang"), asked("sglang"))
    assert pairs["SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN"] == "1"
    assert "SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN" not in environment(
        engine_of("sglang"), launch("sglang", one_card())
    )


def test_sglang_before_0_5_17_does_not_reach_the_language_part() -> None:
    errors = [
        item
        for item in check_arguments(engine_of("sglang"), asked("sglang", "0.5.16", SEES))
        if item.severity is Severity.ERROR
    ]
    assert [item.where for item in errors] == ["models.chat.yarn"]


@pytest.mark.parametrize("engine", ["llama.cpp", "ik_llama.cpp"])
def test_llama_cpp_by_the_header_and_by_options(engine: str) -> None:
    line = told(engine)
    assert value(line, "--override-kv") == "qwen3moe.expert_used_count=int:12"
    assert value(line, "--rope-scaling") == "yarn"
    assert value(line, "--rope-scale") == "2"
    assert value(line, "--yarn-orig-ctx") == "32768"


def test_text_generation_webui_by_its_server_s_options() -> None:
    assert value(told("text-generation-webui"), "--extra-flags") == (
        "--override-kv qwen3moe.expert_used_count=int:12 "
        "--rope-scaling yarn --rope-scale 2 --yarn-orig-ctx 32768"
    )


@pytest.mark.parametrize(
    "engine", ["tgi", "lorax", "ollama", "infinity", "text-embeddings-inference", "speaches"]
)
def test_engines_without_a_road_refuse_both(engine: str) -> None:
    for row in rows_of(engine):
        request = asked(engine, row.version, experts_per_token=12)
        found = check_arguments(engine_of(engine), request)
        errors = {item.where for item in found if item.severity is Severity.ERROR}
        assert {"models.chat.experts_per_token", "models.chat.yarn"} <= errors
        assert not [word for word in arguments(engine_of(engine), request) if "yarn" in word]
