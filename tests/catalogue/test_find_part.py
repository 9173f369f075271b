"""GPUs and CPUs are found as people, drivers and shops write them, and never guessed silently."""

import pytest

from planner.catalogue.find_part import (
    all_cpus,
    all_devices,
    find_cpu,
    find_device,
    parse_device_spec,
)
from planner.catalogue.match import Match, NotFound
from planner.catalogue.reader import CatalogueReader
from tests.catalogue.readers import CountingCatalogue, MemoryCatalogue

# what a table of measurements calls a card: the names that sizes are compared under
SCORED = """rtx-pro-6000-blackwell-max-q rtx-pro-6000-blackwell-server rtx-6000-ada rtx-a6000
rtx-3090 rtx-pro-6000-blackwell-workstation rtx-4090 rtx-4070-ti-super rtx-5090 rtx-5080 l40s l4 a10
a100-40-pcie a100-40-sxm a100-80-pcie a100-80-sxm h100-nvl h100-pcie h100-sxm h200-sxm b200-sxm
mi300x mi325x rx-7900-xtx dgx-spark-gb10 apple-m2-ultra apple-m3-ultra apple-m4-max
ryzen-ai-max-plus-395"""
SCORED_CPUS = """epyc-9374f epyc-9554 epyc-9654 epyc-9755 epyc-7763 threadripper-pro-7995wx
xeon-w9-3495x xeon-6980p ryzen-9-5950x ryzen-9-9950x"""


def device_id(reader: CatalogueReader, name: str) -> str:
    found = find_device(reader, name)
    assert isinstance(found, Match), found
    return found.row.id


@pytest.mark.parametrize("name", SCORED.split())
def test_a_device_is_found_by_its_id(counting: CountingCatalogue, name: str) -> None:
    found = find_device(counting, name)
    assert isinstance(found, Match)
    assert (found.row.id, found.note) == (name, None)
    assert counting.reads == {f"devices/{name}"}


@pytest.mark.parametrize("name", SCORED_CPUS.split())
def test_a_cpu_is_found_by_its_id(counting: CountingCatalogue, name: str) -> None:
    found = find_cpu(counting, name)
    assert isinstance(found, Match)
    assert (found.row.id, found.note) == (name, None)
    assert counting.reads == {f"cpus/{name}"}


def test_every_part_is_found_by_the_name_its_driver_reports(catalogue: CatalogueReader) -> None:
    for device in all_devices(catalogue):
        assert device_id(catalogue, device.name) == device.id
        assert device_id(catalogue, device.id.replace("-", " ").upper()) == device.id
    for cpu in all_cpus(catalogue):
        found = find_cpu(catalogue, f"{cpu.name} {cpu.cores.value}-Core Processor")
        assert isinstance(found, Match)
        assert found.row.id == cpu.id


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RTX 4090", "rtx-4090"),
        ("RTX4090", "rtx-4090"),
        ("4090", "rtx-4090"),
        ("NVIDIA GeForce RTX 4090", "rtx-4090"),
        ("RTX 4090 24GB", "rtx-4090"),
        ("RX 7900 XTX", "rx-7900-xtx"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm"),
        ("NVIDIA H100 PCIe", "h100-pcie"),
        ("A100-SXM4-40GB", "a100-40-sxm"),
        ("NVIDIA A100 80GB PCIe", "a100-80-pcie"),
        ("A10 24GB", "a10"),
        ("M3 Ultra", "apple-m3-ultra"),
        ("6000 Ada", "rtx-6000-ada"),
        ("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", "ryzen-ai-max-plus-395"),
        ("DGX Spark", "dgx-spark-gb10"),
    ],
)
def test_a_name_that_leaves_no_choice_needs_no_note(
    catalogue: CatalogueReader, name: str, expected: str
) -> None:
    found = find_device(catalogue, name)
    assert isinstance(found, Match)
    assert (found.row.id, found.note) == (expected, None)


@pytest.mark.parametrize(
    ("name", "expected", "noted"),
    [
        ("H100 80GB", "h100-sxm", "write h100-pcie"),
        ("h100", "h100-sxm", "write h100-pcie"),
        ("H100 94GB", "h100-nvl", "read as h100-nvl"),
        ("H800", "h100-sxm", "H800 read as"),
        ("rtx-pro-6000-blackwell", "rtx-pro-6000-blackwell-workstation", "max-q"),
        ("a100", "a100-80-sxm", "a100-40-sxm"),
        ("A100 40GB", "a100-40-sxm", "a100-40-pcie"),
        ("A100 PCIe", "a100-80-pcie", "a100-40-pcie"),
        ("H200", "h200-sxm", "read as h200-sxm"),
        ("MI300", "mi300x", "MI300A"),
    ],
)
def test_a_name_that_leaves_a_choice_says_what_was_assumed(
    catalogue: CatalogueReader, name: str, expected: str, noted: str
) -> None:
    found = find_device(catalogue, name)
    assert isinstance(found, Match)
    assert found.row.id == expected
    assert found.note is not None
    assert noted in found.note


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("rtx-409", "rtx-4090"),
        ("rtx-4900", "rtx-4090"),
        ("RTX 4090 D", "rtx-4090"),
        ("RTX 3090 Ti", "rtx-3090"),
        ("NVIDIA GeForce RTX 5090 Laptop GPU", "rtx-5090"),
        ("A10G", "a10"),
        ("H200 NVL", "h100-nvl"),
        ("7900 XT", "rx-7900-xtx"),
        ("L40", "l40s"),
    ],
)
def test_another_part_of_a_like_name_is_not_taken_for_it(
    catalogue: CatalogueReader, name: str, nearest: str
) -> None:
    found = find_device(catalogue, name)
    assert isinstance(found, NotFound)
    assert found.nearest[0] == nearest
    assert found.advice is not None
    assert found.advice.startswith(f"write {nearest}")


@pytest.mark.parametrize(
    "name", ["", "  ", "rtx", "blackwell", "ultra", "cuda", "none", "x" * 9000]
)
def test_a_word_that_names_no_part_is_not_found(catalogue: CatalogueReader, name: str) -> None:
    assert isinstance(find_device(catalogue, name), NotFound)
    assert isinstance(find_cpu(catalogue, name), NotFound)


def test_a_name_that_fits_several_lists_them(catalogue: CatalogueReader) -> None:
    found = find_device(catalogue, "rtx 6000")
    assert isinstance(found, NotFound)
    assert found.summary == "GPU 'rtx 6000': the name fits several"
    assert "rtx-6000-ada" in found.nearest
    assert "rtx-pro-6000-blackwell-server" in found.nearest


def test_another_memory_size_under_the_same_name_is_refused(catalogue: CatalogueReader) -> None:
    found = find_device(catalogue, "RTX 4090 48GB")
    assert isinstance(found, NotFound)
    assert found.summary == "GPU 'RTX 4090 48GB': rtx-4090 has 24 GB, not 48 GB"


def test_a_new_part_is_found_by_its_file_alone() -> None:
    row = {
        "id": "rtx-6090",
        "name": "NVIDIA GeForce RTX 6090",
        "vendor": "nvidia",
        "architecture": "rubin",
        "kind": "discrete",
        "nominal_gb": 48,
        "nvlink": False,
    }
    reader = MemoryCatalogue({"devices": {"rtx-6090": row}, "tables": {"aliases": {}}})
    for name in ("rtx-6090", "RTX 6090", "6090", "NVIDIA GeForce RTX 6090"):
        assert device_id(reader, name) == "rtx-6090"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("rtx-4090", ("rtx-4090", 1)),
        ("rtx-4090x4", ("rtx-4090", 4)),
        ("RTX 4090 x2", ("RTX 4090", 2)),
        ("2x RTX 4090", ("RTX 4090", 2)),
        ("rtx-4090 * 2", ("rtx-4090", 2)),
        ("h100-sxmx8", ("h100-sxm", 8)),
        ("mi300x", ("mi300x", 1)),
        ("mi300xx8", ("mi300x", 8)),
        ("rtx4090", ("rtx4090", 1)),
        ("ryzen-9-5950x", ("ryzen-9-5950x", 1)),
        (" cuda ", ("cuda", 1)),
    ],
)
def test_a_count_is_read_off_a_device(spec: str, expected: tuple[str, int]) -> None:
    assert parse_device_spec(spec) == expected


def test_no_devices_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="write a count of 1 or more"):
        parse_device_spec("rtx-4090x0")
