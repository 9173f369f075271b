"""Help of every verb, and wrong usage: exit code 2 and a hint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from planner.cli.verbs import GROUPS, VERBS, Verb
from tests.cli.conftest import Planner

NAMES = [verb.name for verb in VERBS]


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("name", ["", *GROUPS, *NAMES])
def test_help_of_everything(planner: Planner, name: str, flag: str) -> None:
    answer = planner(*name.split(), flag)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: planner {name}".rstrip())
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "\x1b" not in answer.out


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_help_says_what_a_verb_does(planner: Planner, verb: Verb) -> None:
    assert verb.help in planner(*verb.name.split(), "--help").out


def test_help_lists_every_verb_with_its_line(planner: Planner) -> None:
    said = planner("--help").out
    for name, _, help_line in VERBS:
        first, _, second = name.partition(" ")
        assert re.search(rf"^  {first} +{re.escape(GROUPS[first] if second else help_line)}$",
                         said, re.MULTILINE)  # fmt: skip
        if second:
            assert help_line in planner(first, "--help").out


def test_nothing_typed_shows_help(planner: Planner) -> None:
    answer = planner()
    assert answer.code == 2
    assert "Commands:" in answer.out + answer.err


def test_the_version(planner: Planner) -> None:
    assert re.fullmatch(r"planner \d+\.\d+\.\d+\n", planner("--version").out)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("validat", "validate"),
        ("aply", "apply"),
        ("stauts", "status"),
        ("cots", "cost"),
        ("cost estmate", "cost estimate"),
        ("hosts prob", "hosts probe"),
        ("estimate", "cost estimate"),
        ("probe", "hosts probe"),
        ("cost-estimate", "cost estimate"),
    ],
)
def test_an_unknown_verb_names_the_nearest(planner: Planner, typed: str, meant: str) -> None:
    answer = planner(*typed.split())
    assert (answer.code, answer.out) == (2, "")
    assert f"did you mean planner {meant}?" in answer.err


def test_a_verb_that_is_like_none_names_the_help(planner: Planner) -> None:
    answer = planner("xyzzy")
    assert (answer.code, answer.out) == (2, "")
    assert "there is no command 'xyzzy'" in answer.err
    assert "planner --help" in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["validate"], "BLUEPRINT"),
        (["fit", "Qwen/Qwen3-8B"], "--on"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--contxt", "32k"], "--context"),
        (["validate", "home.yaml", "--formt", "json"], "--format"),
        (["validate", "home.yaml", "--format", "yaml"], "json"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--tp", "two"], "--tp"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--tp", "0"], "--tp"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--context", "long"], "--context"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--quant", "q99"], "Q4_K_M"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--kv-dtype", "q9"], "q8_0"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--engine", "vlm"], "vllm"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--gpu-layers", "3"], "llama.cpp"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--device-memory", "24"], "GiB"),
        (["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090x0"], "count of 1"),
        (["schema", "more"], "more"),
        (["hosts", "probe"], "HOST"),
        (["hosts", "probe", "me@"], "user@host"),
        (["hosts", "probe", "-oProxyCommand=x"], "-o"),
        (["init", "no/such/folder/x.yaml"], "no/such/folder"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told(planner: Planner, words: list[str], said: str) -> None:
    Path("home.yaml").write_text("planner: 1\n")
    answer = planner(*words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing/of-the-kind", "--on", "rtx-4090"], "config.json"),
        (["Qwen/Qwen3-8B", "--on", "rtx-4091"], "rtx-4090"),
        (["./missing.gguf", "--on", "rtx-4090"], "missing.gguf"),
        (["./broken.gguf", "--on", "rtx-4090"], "no GGUF file"),
        (["./empty", "--on", "rtx-4090"], "config.json"),
        (["./text.txt", "--on", "rtx-4090"], "GGUF"),
        (["Qwen/Qwen3-8B", "--on", "rtx-4090", "--tp", "3"], "3"),
    ],
    ids=" ".join,
)
def test_fit_refuses_what_it_does_not_know(planner: Planner, words: list[str], said: str) -> None:
    Path("broken.gguf").write_bytes(b"GGU")
    Path("empty").mkdir()
    Path("text.txt").write_text("hello")
    answer = planner("fit", *words)
    assert answer.code == 3
    assert said in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("verb", ["apply", "destroy"])
def test_nobody_is_there_to_answer(planner: Planner, verb: str) -> None:
    """Both verbs ask; with nobody there they must say so rather than wait or go ahead."""
    from planner.cli.applying import ask
    from planner.errors import UsageError

    with pytest.raises(UsageError) as caught:
        ask(False, f"{verb}?")
    assert "--yes" in (caught.value.advice or "")
    ask(True, f"{verb}?")


def test_init_leaves_a_file_alone(planner: Planner) -> None:
    Path("mine.yaml").write_text("precious")
    answer = planner("init", "mine.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert "mine.yaml: there is such a file already" in answer.err
    assert Path("mine.yaml").read_text() == "precious"


def test_init_names_its_own_file(planner: Planner) -> None:
    assert planner("init", "my farm.yaml").code == 0
    assert "planner size 'my farm.yaml'" in Path("my farm.yaml").read_text()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--address", "local", "--gpu", "", "--model", "./model.gguf"],
        ["--address", "me@[fd00::2]:22"],
        ["--gpu", "NVIDIA GeForce RTX 4090"],
        ["--model", "Qwen/Qwen3-8B@0123456789012345678901234567890123456789"],
    ],
    ids=" ".join,
)
def test_what_init_writes_is_valid(planner: Planner, words: list[str]) -> None:
    assert planner("init", *words).code == 0
    answer = planner("validate", "blueprint.yaml")
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    "words",
    [
        ["--address", "x: {y"],
        ["--address", "a\nb: c"],
        ["--gpu", "no] such: {"],
        ["--gpu", "rtx-4091"],
        ["--model", "{{ 7*7 }}"],
        ["--model", "no such model"],
    ],
    ids=repr,
)
def test_init_refuses_what_would_not_be_valid(planner: Planner, words: list[str]) -> None:
    """A first blueprint that the next command calls wrong would be a poor start."""
    answer = planner("init", *words)
    assert answer.code in (2, 3)
    assert words[0] in answer.err
    assert not Path("blueprint.yaml").exists()
