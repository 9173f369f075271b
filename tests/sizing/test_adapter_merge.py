"""One adapter of several: what it adds to its base is the sum of what they add."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from planner.sizing.adapter_merge import Adapter, Matrix, merge

Floats = NDArray[np.float32]
IN, OUT = 6, 5


def stored(values: Floats, dtype: str) -> Matrix:
    rows, columns = values.shape
    if dtype == "BF16":
        data = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    else:
        data = values.astype({"F32": np.float32, "F16": np.float16}[dtype]).tobytes()
    return Matrix(dtype, rows, columns, data)


def values(matrix: Matrix) -> Floats:
    if matrix.dtype == "BF16":
        whole = np.frombuffer(matrix.data, np.uint16).astype(np.uint32) << 16
        found = whole.view(np.float32)
    else:
        kind = {"F32": np.float32, "F16": np.float16}[matrix.dtype]
        found = np.frombuffer(matrix.data, kind).astype(np.float32)
    return found.reshape(matrix.rows, matrix.columns)


def adapter(
    name: str, rank: int, *, modules: str = "qv", dtype: str = "F32", seed: int = 0, **config: Any
) -> Adapter:
    random = np.random.Generator(np.random.PCG64(seed + rank))
    matrices = {}
    for module in modules:
        stem = f"base_model.model.layers.0.{module}_proj.lora"
        for half, shape in (("A", (rank, IN)), ("B", (OUT, rank))):
            drawn = random.standard_normal(shape).astype(np.float32)
            matrices[f"{stem}_{half}.weight"] = stored(drawn, dtype)
    stated = {"peft_type": "LORA", "r": rank, "lora_alpha": rank, "bias": "none",
              "target_modules": [f"{module}_proj" for module in modules],
              "base_model_name_or_path": "acme/base"}  # fmt: skip
    return Adapter(name, {**stated, **config}, matrices)


def added(part: Adapter, module: str) -> Floats:
    """What an engine adds to a module's weights."""
    stem = f"base_model.model.layers.0.{module}_proj.lora"
    if f"{stem}_A.weight" not in part.matrices:
        return np.zeros((OUT, IN), np.float32)
    rank, alpha = part.config["r"], part.config["lora_alpha"]
    scale = alpha / np.sqrt(rank) if part.config.get("use_rslora") else alpha / rank
    a, b = (values(part.matrices[f"{stem}_{half}.weight"]) for half in "AB")
    return np.asarray(b @ a * np.float32(scale), np.float32)


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"lora_alpha": 4}, {"lora_alpha": 12}),
        ({"lora_alpha": 8}, {"lora_alpha": 5}),
        ({"use_rslora": True, "lora_alpha": 8}, {}),
    ],
)
def test_the_sum_is_what_both_add(
    dtype: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    one = adapter("one", 2, dtype=dtype, **first)
    two = adapter("two", 3, dtype=dtype, modules="vo", **second)
    both = merge([one, two])
    assert both.config["r"] == 5
    assert both.config["target_modules"] == ["o_proj", "q_proj", "v_proj"]
    close = {"F32": 1e-5, "F16": 1e-2, "BF16": 1e-1}[dtype]
    for module in "qvo":
        wanted = added(one, module) + added(two, module)
        assert np.abs(added(both, module) - wanted).max() < close, module
    assert np.abs(added(both, "v")).max() > 0.5


def test_where_both_have_one_scale_not_a_bit_changes() -> None:
    one = adapter("one", 2, dtype="BF16", lora_alpha=4)
    two = adapter("two", 4, dtype="BF16", lora_alpha=8)
    both = merge([one, two])
    assert both.config["lora_alpha"] == 12
    name = "base_model.model.layers.0.q_proj.lora_B.weight"
    joined = np.hstack([values(one.matrices[name]), values(two.matrices[name])])
    assert np.array_equal(values(both.matrices[name]), joined)


def test_bfloat16_is_rounded_to_the_nearest() -> None:
    one = adapter("one", 1, dtype="BF16", lora_alpha=3)
    both = merge([one, adapter("two", 1, dtype="BF16", seed=9)])
    name = "base_model.model.layers.0.q_proj.lora_B.weight"
    exact = values(one.matrices[name])[:, 0] * 3
    got = values(both.matrices[name])[:, 0]
    # eight bits of precision: the nearest is within half of the last one
    assert np.all(np.abs(got - exact) <= np.abs(exact) * 2.0**-8)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (adapter("two", 2, use_dora=True), "two has use_dora"),
        (adapter("two", 2, rank_pattern={"q": 4}), "two has rank_pattern"),
        (adapter("two", 2, bias="all"), "two has biases"),
        (adapter("two", 2, peft_type="IA3"), "two is no LoRA adapter"),
        (adapter("two", 2, dtype="BF16"), "is F32 in one and BF16 in another"),
        (adapter("two", 2, base_model_name_or_path="acme/other"), "different bases"),
        (adapter("two", 2, r=3), "of another rank than 3"),
        (Adapter("two", {"r": 2}, {"embed.weight": Matrix("F32", 2, 2, bytes(16))}),
         "which is no LoRA matrix"),
        (Adapter("two", {"r": 2}, {"x.lora_A.weight": Matrix("F32", 2, 2, bytes(15))}),
         "cut short"),
    ],
)  # fmt: skip
def test_what_no_sum_can_express_is_refused(other: Adapter, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        merge([adapter("one", 2), other])
