"""Formats are found as logs, file names and people write them."""

from decimal import Decimal

import pytest

from planner.catalogue.match import Match, NotFound
from planner.catalogue.names import squash
from planner.catalogue.quantization import Family, find_quantization, read_quantizations
from planner.catalogue.reader import CatalogueReader


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bf16", "bf16"),
        ("BF16", "bf16"),
        ("bfloat16", "bf16"),
        ("fp16", "fp16"),
        ("F16", "F16"),
        ("awq int4", "awq"),
        ("AWQ-INT4", "awq"),
        ("awq int4 (awq_marlin)", "awq"),
        ("fp8 block", "fp8-block"),
        ("fp8-dynamic (compressed-tensors)", "fp8"),
        ("fp8 (Marlin weight-only)", "fp8"),
        ("bitsandbytes 4bit (load_format bitsandbytes)", "bnb-nf4"),
        ("w8a8 int8", "int8"),
        ("nvfp4 (modelopt)", "nvfp4"),
        ("mxfp4", "mxfp4"),
        ("Q4_K_M", "Q4_K_M"),
        ("q4_k_m", "Q4_K_M"),
        ("gguf Q4_K_M", "Q4_K_M"),
        ("Q4_K - Medium", "Q4_K_M"),
        ("Q5_K - Small", "Q5_K_S"),
        ("Q4_K_M (16.5 GiB)", "Q4_K_M"),
        ("IQ4_KS_R4 - 4.25 bpw", "IQ4_KS"),
        ("Q8_0_R8 - 8.5 bpw", "Q8_0"),
    ],
)
def test_a_format_is_found_without_a_note(
    catalogue: CatalogueReader, name: str, expected: str
) -> None:
    found = find_quantization(catalogue, name)
    assert isinstance(found, Match)
    assert (found.row.name, found.note) == (expected, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("4bit", "awq"),
        ("int4 (AWQ or GPTQ)", "awq"),
        ("autoround int4", "gptq-int4"),
        ("Q4", "Q4_K_M"),
        ("Q4_K", "Q4_K_M"),
        ("8bit", "int8"),
        ("UD-Q4_K_XL", "Q4_K_M"),
        ("UD-IQ3_XXS", "IQ3_XXS"),
    ],
)
def test_a_loose_name_says_how_it_was_read(
    catalogue: CatalogueReader, name: str, expected: str
) -> None:
    found = find_quantization(catalogue, name)
    assert isinstance(found, Match)
    assert found.row.name == expected
    assert found.note is not None
    assert expected in found.note


@pytest.mark.parametrize("name", ["", "Q9", "default tag", "unknown (8-bit-class)", "7bit"])
def test_what_names_no_format_is_not_found(catalogue: CatalogueReader, name: str) -> None:
    assert isinstance(find_quantization(catalogue, name), NotFound)


def test_the_nearest_format_is_named(catalogue: CatalogueReader) -> None:
    found = find_quantization(catalogue, "Q4_K_N")
    assert isinstance(found, NotFound)
    assert "Q4_K_M" in found.nearest


def test_the_family_settles_a_name_of_both(catalogue: CatalogueReader) -> None:
    for family, name in ((Family.GGUF, "BF16"), (Family.SAFETENSORS, "bf16")):
        found = find_quantization(catalogue, "bf16", family)
        assert isinstance(found, Match)
        assert (found.row.name, found.row.family) == (name, family)
    other = find_quantization(catalogue, "awq", Family.GGUF)
    assert isinstance(other, Match)
    assert other.row.family is Family.SAFETENSORS


def test_bits_per_weight(catalogue: CatalogueReader) -> None:
    bits = {item.name: item.bits for item in read_quantizations(catalogue).quantizations}
    assert bits["Q4_K_M"] == Decimal("4.5")
    assert bits["Q6_K"] == Decimal("6.5625")
    assert bits["IQ4_XS"] == bits["mxfp4"] == bits["MXFP4"] == Decimal("4.25")
    assert bits["awq"] == 4 + Decimal(16 + 4) / 128
    assert bits["fp8-block"] == 8 + Decimal(16) / (128 * 128)
    assert bits["nvfp4"] == 4 + Decimal(8) / 16


def test_no_name_means_two_formats_of_one_family(catalogue: CatalogueReader) -> None:
    seen: dict[tuple[Family, str], str] = {}
    for item in read_quantizations(catalogue).quantizations:
        names = (item.name, *item.aliases, *(loose.name for loose in item.loose))
        for name in names:
            assert seen.setdefault((item.family, squash(name)), item.name) == item.name, name
