"""``planner train``: what people and scripts see, and where a run may share a device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.cli.main import run as command_line

FARM = """
planner: 1
project: test
hosts:
  big: {address: me@192.168.1.10, gpus: [rtx-4090], ram: 64GiB, disk: 1TB}
  small: {address: me@192.168.1.11, gpus: [rtx-4090], ram: 64GiB, disk: 1TB}
  idle: {address: me@192.168.1.12, gpus: [l4], ram: 64GiB, disk: 1TB}
models:
  code: {source: Qwen/Qwen3-0.6B, engine: llama.cpp, quant: Q8_0, context: 4k, on: big}
  chat: {source: Qwen/Qwen3-8B, engine: vllm, quant: fp8, context: 4k, on: small}
"""


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = command_line(["train", *words])
    out = capsys.readouterr()
    return code, out.out, out.err


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capsys, *words, "--format", "json")
    return code, json.loads(out)


def test_text_shows_terms_corpus_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("Qwen3-8B", "--method", "lora", "--pages", "5000", "--on", "rtx-4090")
    code, out, err = run(capsys, *words)
    assert code == 0
    assert "fits" in out
    assert "20.61 GiB of 23.99 GiB" in out
    assert "2,500,000 tokens" in out
    assert "min to" in out
    assert "assumed that the loss" in err
    _, explained, _ = run(capsys, *words, "--explain")
    words_only = " ".join(explained.split())
    assert "16 B (fp32 weight 4 + gradient 4 + Adam 8 B)" in words_only
    assert "x MFU 0.3 to 0.65" in words_only
    assert max(map(len, explained.splitlines())) <= 80


def test_json_holds_terms_and_hours(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = answer(capsys, "Qwen3-8B", "--method", "qlora", "--pages", "10", "--on", "l4")
    assert code == 0
    assert found["fits"] is True
    device = found["devices"][0]
    assert sum(term["bytes"] for term in device["terms"]) == device["used_bytes"]
    assert found["hours"]["low"] <= found["hours"]["expected"] <= found["hours"]["high"]
    assert found["beside"] == []


def test_what_does_not_fit_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "Qwen3-30B-A3B", "--method", "qlora", "--on", "rtx-4090")
    assert code == 3
    assert "experts in 16 bit" in err
    assert "--sharded" in err


def test_beside_tells_each_device_of_the_farm(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    farm = tmp_path / "farm.yaml"
    farm.write_text(FARM)
    words = ("Qwen3-8B", "--method", "qlora", "--pages", "100", "--beside", str(farm))
    code, found = answer(capsys, *words)
    assert code == 0
    verdicts = {row["host"]: row["verdict"] for row in found["beside"]}
    assert verdicts == {"big": "now", "small": "pool", "idle": "now"}
    small = next(row for row in found["beside"] if row["host"] == "small")
    assert small["replicas"] == ["chat-0"]
    assert small["free_bytes"] < small["need_bytes"]
    assert small["need_bytes"] <= small["free_bytes"] + small["spare_pool_bytes"]
    code, out, _ = run(capsys, *words)
    assert "KV pool of chat-0 would be given back" in out
    assert max(map(len, out.splitlines())) <= 80


def test_beside_stops_or_refuses_where_it_must(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    farm = tmp_path / "farm.yaml"
    farm.write_text(FARM)
    words = ("Qwen3-8B", "--method", "lora", "--beside", str(farm))
    code, found = answer(capsys, *words, "--on", "rtx-4090")
    assert code == 0
    verdicts = {row["host"]: row["verdict"] for row in found["beside"]}
    assert verdicts == {"big": "now", "small": "stop"}
    code, found = answer(capsys, "Qwen3-32B", "--method", "lora", "--beside", str(farm))
    assert code == 3
    assert {row["verdict"] for row in found["beside"]} == {"never"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("Qwen3-8B", "--method", "lora"), "--on or --beside is missing"),
        (("Qwen3-8B", "--method", "lora", "--on", "epyc-9374f"), "is no GPU"),
        (("Qwen3-8B", "--method", "lora", "--on", "l4", "--device-memory", "24"), "is not a size"),
    ],
)
def test_wrong_usage_is_told_in_words(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], expected: str
) -> None:
    code, out, err = run(capsys, *words)
    assert code == 2
    assert out == ""
    assert expected in err


def test_a_farm_without_that_card_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    farm = tmp_path / "farm.yaml"
    farm.write_text(FARM)
    words = ("Qwen3-8B", "--method", "lora", "--beside", str(farm), "--on", "h100-sxm")
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "the farm has no h100-sxm" in " ".join(err.split())
