"""The verb ``fit``: the JSON that scripts rely on, the words for people, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.cli.main import run
from tests.helpers.tiny_gguf import write_tiny_gguf

TERMS = ["weights", "kv_cache", "activations", "graphs", "adapters", "runtime"]


def fit(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(["fit", *words])
    out, err = capsys.readouterr()
    return code, out, err


def fit_json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, out, err = fit(capsys, *words, "--format", "json")
    assert err == ""
    return code, json.loads(out)


def test_the_json_of_vllm(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = fit_json(
        capsys, "Qwen/Qwen3-30B-A3B", "--engine", "vllm", "--engine-version", "0.19.0",
        "--on", "rtx-4090x4", "--quant", "bf16", "--kv-dtype", "auto", "--context", "32768",
        "--parallel", "256", "--batch", "8192", "--tp", "4", "--pp", "1",
        "--gpu-memory-utilization", "0.9", "--adapters", "2", "--adapter-rank", "32", "--eager",
    )  # fmt: skip
    assert code == (0 if answer["fits"] else 3)
    assert answer["model"] == "Qwen/Qwen3-30B-A3B"
    assert answer["engine"] == "vllm"
    assert len(answer["devices"]) == 4
    first = answer["devices"][0]
    assert first["device"] == "rtx-4090"
    assert first["index"] == 0
    assert first["total_bytes"] == 25_757_220_864
    assert [term["name"] for term in first["terms"]] == TERMS
    assert all(term["why"] for term in first["terms"])
    assert first["free_bytes"] == first["total_bytes"] - sum(t["bytes"] for t in first["terms"])
    assert answer["kv_bytes_per_token"] == 98_304
    assert set(answer["decode_tokens_per_second"]) == {"low", "expected", "high", "why"}


def test_the_json_of_llama_cpp_on_a_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = fit_json(
        capsys, "Qwen3-30B-A3B", "--engine", "llama.cpp", "--on", "epyc-9374f", "--quant",
        "Q4_K_M", "--kv-dtype", "q8_0,f16", "--context", "40960", "--parallel", "1", "--batch",
        "2048", "--ubatch", "512", "--gpu-layers", "99", "--cpu-moe", "0", "--flash-attention",
        "--threads", "32", "--depth", "4096",
    )  # fmt: skip
    assert code == 0
    assert answer["devices"] == []
    names = {term["name"] for term in answer["host"]["terms"]}
    assert {"weights", "kv_cache", "activations", "runtime"} <= names
    weights = next(t["bytes"] for t in answer["host"]["terms"] if t["name"] == "weights")
    assert weights == 18_550_716_416


def test_a_nameless_card(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = fit_json(
        capsys, "Qwen/Qwen3-8B", "--on", "cuda x2", "--device-memory", "79.19GiB", "--tp", "2",
        "--quant", "fp8", "--memory-bandwidth", "2TB/s",
    )  # fmt: skip
    assert code == 0
    assert [device["device"] for device in answer["devices"]] == ["cuda", "cuda"]
    assert answer["devices"][0]["total_bytes"] == int(79.19 * 2**30)
    assert answer["prefill_tokens_per_second"] is None  # its FLOPS are unknown


@pytest.mark.parametrize("cpu", ["epyc-9374f", "460.8GB/s"])
def test_experts_in_ram_are_read_at_the_hosts_bandwidth(
    capsys: pytest.CaptureFixture[str], cpu: str
) -> None:
    words = ["Qwen/Qwen3-235B-A22B", "--engine", "llama.cpp", "--on", "rtx-3090x2"]
    words += ["--quant", "Q4_K_M", "--cpu-moe", "90", "--context", "8k"]
    _, without = fit_json(capsys, *words)
    assert without["decode_tokens_per_second"] is None
    assert any("--cpu epyc-9374f" in item["summary"] for item in without["diagnostics"])
    code, answer = fit_json(capsys, *words, "--cpu", cpu)
    assert code == 0
    decode = answer["decode_tokens_per_second"]
    assert decode["low"] < 20 < decode["high"]  # 17 to 19 at 576 GB/s and 6 bits


@pytest.mark.parametrize(
    ("on", "cpu"), [("epyc-9374f", "epyc-9554"), ("rtx-4090", "abacus"), ("rtx-4090", "fast/s")]
)
def test_a_cpu_that_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], on: str, cpu: str
) -> None:
    code, _, err = fit(capsys, "Qwen/Qwen3-8B", "--engine", "llama.cpp", "--on", on, "--cpu", cpu)
    assert code in (2, 3)
    assert "Traceback" not in err
    assert "cpu" in err.lower()


def test_what_does_not_fit_says_what_would(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = fit_json(capsys, "Qwen/Qwen3-32B", "--on", "rtx-4090", "--context", "16k")
    assert code == 3
    assert not answer["fits"]
    said = [item["summary"] for item in answer["diagnostics"]]
    assert any("GiB are missing" in line for line in said)
    ways = [line for line in said if line.startswith("it fits with ")]
    assert ways
    assert "rtx-4090x4 --tp 4" in " ".join(ways)


def test_a_way_that_is_named_really_fits(capsys: pytest.CaptureFixture[str]) -> None:
    _, answer = fit_json(capsys, "Qwen/Qwen3-8B", "--on", "rtx-3090", "--context", "128k")
    said = [item["summary"] for item in answer["diagnostics"]]
    change = next(line for line in said if line.startswith("it fits with --context "))
    length = change.removeprefix("it fits with --context ").partition(":")[0]
    code, _ = fit_json(capsys, "Qwen/Qwen3-8B", "--on", "rtx-3090", "--context", length)
    assert code == 0


def test_text_has_a_bar_and_every_term(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = fit(capsys, "Qwen/Qwen3-8B", "--on", "l40sx2", "--tp", "2", "--explain")
    assert code == 0
    assert "note: assumed" in err
    assert "fits" in out.splitlines()[0]
    assert all(name in out for name in TERMS)
    assert "x 0.92 =" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--engine", "llama.cpp", "--tp", "2"], "--tp"),
        (["--engine", "vllm", "--ubatch", "64"], "--ubatch"),
        (["--engine", "vllm", "--cpu-moe", "4"], "--cpu-moe"),
        (["--engine", "llama.cpp", "--gpu-memory-utilization", "0.5"], "--gpu-memory-utilization"),
        (["--engine", "llama.cpp", "--eager"], "--eager"),
        (["--engine", "elephant"], "elephant"),
        (["--quant", "seven bits"], "seven bits"),
        (["--kv-dtype", "q3_9"], "q3_9"),
        (["--device-memory", "79"], "--device-memory"),
        (["--context", "long"], "--context"),
        (["--adapters", "1", "--adapter-rank", "1000"], "1000"),
    ],
)
def test_wrong_usage_exits_2(
    capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    code, out, err = fit(capsys, "Qwen/Qwen3-8B", "--on", "rtx-4090", *words, "--format", "json")
    assert code == 2
    assert out == ""
    assert named in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("model", "device", "near"),
    [
        ("Qwen/Qwen3-88B", "rtx-4090", "Qwen/Qwen3-8B"),
        ("Qwen/Qwen3-8B", "rtx-4091", "rtx-4090"),
        ("./nowhere", "rtx-4090", "no such file"),
    ],
)
def test_unknown_names_exit_3_with_the_nearest(
    capsys: pytest.CaptureFixture[str], model: str, device: str, near: str
) -> None:
    code, out, err = fit(capsys, model, "--on", device, "--format", "json")
    assert code == 3
    assert out == ""
    assert near in err


def test_a_gguf_file_is_read_by_its_header(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write_tiny_gguf(tmp_path / "tiny.gguf")
    code, answer = fit_json(
        capsys, str(path), "--engine", "llama.cpp", "--on", "epyc-9554", "--context", "4096"
    )
    assert code == 0
    weights = next(t["bytes"] for t in answer["host"]["terms"] if t["name"] == "weights")
    assert 0 < weights < path.stat().st_size


def test_a_folder_with_a_config(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = {
        "architectures": ["Qwen3ForCausalLM"], "hidden_size": 1024, "num_hidden_layers": 28,
        "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
        "intermediate_size": 3072, "vocab_size": 151936, "tie_word_embeddings": True,
        "max_position_embeddings": 40960,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    code, answer = fit_json(capsys, str(tmp_path), "--on", "rtx-4090")
    assert code == 0
    assert answer["kv_bytes_per_token"] == 114_688


def test_a_folder_without_a_config_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = fit(capsys, str(tmp_path), "--on", "rtx-4090")
    assert code == 3
    assert "config.json" in err
