"""Code that lies beside weights is never run: neither by an option nor by a variable."""

from __future__ import annotations

import pytest

from planner.blueprint.schema import Model
from planner.engines.arguments import environment
from planner.engines.unsafe import unsafe
from tests.engines.launches import engine_of, launch, one_card


def said(**spec: object) -> list[tuple[str, str]]:
    model = Model.model_validate({"source": "org/model", **spec})
    return [(item.where or "", item.detail or "") for item in unsafe(model, ("models", "m"))]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--trust-remote-code"],
        ["--trust_remote_code"],
        ["--Trust-Remote-Code"],
        ["--trust-remote-code=true"],
        ["--trust-remote"],  # argparse completes it
        ["--seed", "1", "--trust-remote-code", "true"],
    ],
)
def test_the_code_of_a_repository_is_not_run(arguments: list[str]) -> None:
    (found,) = said(extra_args=arguments)
    assert found[0].startswith("models.m.extra_args[")
    assert "Python that lies in the model's repository" in found[1]


@pytest.mark.parametrize(
    "arguments",
    [["--load-format", "pt"], ["--load-format=pt"], ["--load_format", "npcache"]],
)
def test_pickled_weights_are_not_read(arguments: list[str]) -> None:
    (found,) = said(extra_args=arguments)
    assert "pickled" in found[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUST_REMOTE_CODE", "true"),
        ("INFINITY_TRUST_REMOTE_CODE", "1"),
        ("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1"),
        ("VLLM_ALLOW_INSECURE_SERIALIZATION", "1"),
    ],
)
def test_variables_that_do_the_same_are_refused(name: str, value: str) -> None:
    (found,) = said(environment={name: value})
    assert found[0] == f"models.m.environment.{name}"
    assert not said(environment={name: "0"})
    assert not said(environment={name: "False"})


def test_what_is_harmless_is_not_refused() -> None:
    assert not said(extra_args=["--load-format", "safetensors", "--trust-request-chat-template"])
    assert not said(extra_args=["--load-format=dummy", "--tokenizer-mode", "auto", "pt"])
    assert not said(environment={"HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "DEBUG"})


def test_infinity_is_told_not_to_trust_what_lies_beside_the_weights() -> None:
    told = environment(engine_of("infinity"), launch("infinity", one_card()))
    assert told["INFINITY_TRUST_REMOTE_CODE"] == "false"
