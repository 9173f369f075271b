"""What a config says of its checkpoint's format, and what becomes of its bytes in another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.sizing.quantization import parse_quantization
from planner.sources.model_files import stated_quantization
from tests.sizing.test_fit_command import fit_json
from tests.sources.test_hub_headers import CONFIG, safetensors


def group(**weights: Any) -> dict[str, Any]:
    return {
        "quant_method": "compressed-tensors",
        "config_groups": {"group_0": {"weights": weights}},
    }


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        (None, "bf16"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8 block"),
        ({"quant_method": "fp8"}, "fp8"),
        ({"quant_method": "fbgemm_fp8"}, "fp8"),
        ({"quant_method": "awq", "bits": 4}, "awq"),
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"quant_method": "auto-round", "bits": 4}, "gptq"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "nf4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8"),
        (group(num_bits=8, type="float"), "fp8"),
        (group(num_bits=8, type="float", strategy="block"), "fp8 block"),
        (group(num_bits=8, type="int"), "int8"),
        (group(num_bits=4, type="int", group_size=128), "gptq"),
        (group(num_bits=4, type="float", group_size=16), "nvfp4"),
        (group(num_bits=4, type="float", group_size=32), "mxfp4"),
        (group(num_bits=3, type="int"), None),
        ({"quant_method": "compressed-tensors", "config_groups": []}, None),
        ({"quant_method": "something-new"}, None),
    ],
)
def test_a_format_is_read_in_words_that_sizing_knows(stated: Any, read: str | None) -> None:
    assert stated_quantization({"quantization_config": stated}) == read
    if read is not None:
        parse_quantization(read, gguf=False)


def test_the_newer_name_of_the_kind_of_number_is_read() -> None:
    assert stated_quantization({"dtype": "float32"}) == "fp32"
    assert stated_quantization({"torch_dtype": "float32"}) == "fp32"


def test_another_format_is_not_corrected_by_the_stored_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {**CONFIG, "hidden_size": 1024, "intermediate_size": 4096, "vocab_size": 32_000}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(safetensors({"a": 100 * 2**20}))

    def weights(*more: str) -> int:
        words = (str(tmp_path), "--engine", "vllm", "--on", "rtx-4090", "--context", "2k", *more)
        _, answer = fit_json(capsys, *words)
        terms = answer["devices"][0]["terms"]
        return next(int(term["bytes"]) for term in terms if term["name"] == "weights")

    plain, same, narrow = weights(), weights("--quant", "bf16"), weights("--quant", "fp8")
    assert plain == same
    assert plain == pytest.approx(100 * 2**20, rel=0.1)  # what the file holds
    assert plain / 2 < narrow < plain * 2
    (tmp_path / "model.safetensors").write_bytes(safetensors({"a": 400 * 2**20}))
    assert weights("--quant", "fp8") == narrow
