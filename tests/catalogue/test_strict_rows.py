"""A row that is wrong is refused with its file and its key."""

import copy
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from planner.catalogue.device import parse_device
from planner.catalogue.figure import Evidence, Figure, Source, date_order, is_verified
from planner.catalogue.model import parse_model
from planner.catalogue.provider import parse_provider
from planner.catalogue.reader import DEVICES, MODELS, PROVIDERS, CatalogueError
from planner.sources.catalogue import PackagedCatalogue

Row = dict[str, Any]
Change = Callable[[Row], object]


def refuse(catalogue: PackagedCatalogue, change: Change) -> str:
    row: Row = copy.deepcopy(dict(catalogue.read(DEVICES, "rtx-4090")))
    change(row)
    with pytest.raises(CatalogueError) as caught:
        parse_device(row, "catalogue devices/rtx-4090.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row.update(memmory=1), "unknown key 'memmory'"),
        (lambda row: row["tflops"].update(fp4={"value": 1}), "tflops: unknown key 'fp4'"),
        (lambda row: row["tflops"]["fp16"].update(unit="T"), "tflops: fp16: unknown key 'unit'"),
        (lambda row: row["sources"]["wp_ada"].update(page=3), "wp_ada: unknown key 'page'"),
        (lambda row: row.pop("vendor"), "vendor: is missing"),
        (lambda row: row.update(vendor=7), "vendor: expected a text, found 7"),
        (lambda row: row.update(nominal_gb="24"), "nominal_gb: expected an integer, found '24'"),
        (lambda row: row.update(nominal_gb=True), "nominal_gb: expected an integer, found True"),
        (lambda row: row.update(nvlink="no"), "nvlink: expected true or false, found 'no'"),
        (lambda row: row.update(kind="dedicated"), "'dedicated' is none of discrete, unified"),
        (lambda row: row.update(memory_mib=24564), "memory_mib: expected a mapping, found int"),
        (lambda row: row["memory_mib"].update(value="24564"), "value: expected a number"),
        (lambda row: row["memory_mib"].pop("value"), "memory_mib: value: is missing"),
        (lambda row: row["memory_mib"].update(source="web"), "'web' is not in this file's sources"),
        (lambda row: row["memory_mib"].pop("source"), "memory_mib: source: is missing"),
        (lambda row: row.update(street_prices={}), "street_prices: expected a list"),
        (lambda row: row["street_prices"][1].pop("currency"), "street_prices[1]: currency"),
        (lambda row: row["sources"]["wp_ada"].update(evidence="sure"), "'sure' is none of read,"),
    ],
)
def test_a_wrong_device_is_refused(catalogue: PackagedCatalogue, change: Change, said: str) -> None:
    message = refuse(catalogue, change)
    assert message.startswith("catalogue devices/rtx-4090.yaml: ")
    assert said in message


@pytest.mark.parametrize("data", [None, [], "text", 7])
def test_a_row_that_is_no_mapping_is_refused(data: object) -> None:
    for parse in (parse_device, parse_model, parse_provider):
        with pytest.raises(CatalogueError, match="expected a mapping"):
            parse(data, "catalogue x.yaml")


def test_a_wrong_model_is_refused(catalogue: PackagedCatalogue) -> None:
    row: Row = copy.deepcopy(dict(catalogue.read(MODELS, "Qwen--Qwen3-8B")))
    row["attention"]["layers_ful"] = 36
    with pytest.raises(CatalogueError, match="attention: unknown key 'layers_ful'"):
        parse_model(row, "models/x.yaml")


def test_an_offer_of_an_unknown_kind_is_refused(catalogue: PackagedCatalogue) -> None:
    row: Row = copy.deepcopy(dict(catalogue.read(PROVIDERS, "runpod")))
    row["offers"][0]["kind"] = "private"
    with pytest.raises(CatalogueError, match=r"offers\[0\]: kind: 'private' is none of"):
        parse_provider(row, "providers/x.yaml")
    row["offers"][0].update(kind="secure", per="week")
    with pytest.raises(CatalogueError, match="per: 'week' is neither h nor month"):
        parse_provider(row, "providers/x.yaml")


def test_numbers_keep_every_digit_of_the_file(catalogue: PackagedCatalogue) -> None:
    row: Row = copy.deepcopy(dict(catalogue.read(PROVIDERS, "hyperstack")))
    fee = parse_provider(row, "x").fees[0]
    assert fee.price.money.amount == Decimal("0.00672043")


@pytest.mark.parametrize("evidence", Evidence)
def test_only_what_was_read_or_recalculated_is_verified(evidence: Evidence) -> None:
    source = Source("key", None, None, evidence)
    wanted = evidence in (Evidence.READ, Evidence.COMPUTED)
    assert is_verified(source) is wanted
    assert is_verified(Figure(1, source)) is wanted


def test_an_unknown_figure_is_not_verified() -> None:
    assert not is_verified(None)


def test_a_source_labels_itself() -> None:
    assert Source("eia", None, "2026-09", Evidence.RELAYED).label() == "eia, 2026-09, relayed"
    assert Source("eia", None, None, Evidence.READ).label() == "eia, undated, read"


def test_dates_sort_by_the_latest_they_can_be() -> None:
    dates = [None, "2024", "2025-Q4", "2026-01-10", "2026-Q1", "2026-03-31..2026-08-01",
             "2026-09", "2026-11-09", "2026"]  # fmt: skip
    assert sorted(dates, key=date_order) == dates
    assert min(dates[3:], key=date_order) == "2026-01-10"


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_reader_lists_a_folder_without_reading_it(tmp_path: Path) -> None:
    write(tmp_path, "devices/b.yaml", "{ not yaml")
    write(tmp_path, "devices/a.yaml", "id: a")
    write(tmp_path, "devices/notes.txt", "")
    reader = PackagedCatalogue(tmp_path)
    assert reader.names(DEVICES) == ("a", "b")
    assert reader.names("nothing") == ()


def test_the_reader_reads_a_file_once(tmp_path: Path) -> None:
    write(tmp_path, "devices/a.yaml", "id: a")
    reader = PackagedCatalogue(tmp_path)
    first = reader.read(DEVICES, "a")
    (tmp_path / "devices/a.yaml").unlink()
    assert reader.read(DEVICES, "a") is first


@pytest.mark.parametrize(
    ("text", "said"),
    [("{ not yaml", "is not YAML"), ("- a", "is not a mapping"), ("", "is not a mapping")],
)
def test_a_file_that_is_no_row_is_refused(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "devices/a.yaml", text)
    with pytest.raises(CatalogueError, match=f"catalogue devices/a.yaml: {said}"):
        PackagedCatalogue(tmp_path).read(DEVICES, "a")


def test_an_absent_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read"):
        PackagedCatalogue(tmp_path).read(DEVICES, "a")
