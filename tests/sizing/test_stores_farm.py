"""Stores of a blueprint: dimensions from the embedder, room on the host, refusals."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from planner import workflows
from planner.diagnostics import Severity
from planner.views.size import size_to_dict, size_to_text
from planner.views.stores import stores_to_list, stores_to_text
from planner.views.terminal import Style
from planner.workflows import Sized

HEAD = """
planner: 1
project: test
hosts: {box: {address: me@192.168.1.10, ram: 64GiB, disk: 1TB}}
models:
  embed: {source: BAAI/bge-m3, task: embedding, on: box}
  chat: {source: Qwen/Qwen3-0.6B, quant: Q8_0, engine: llama.cpp, context: 4k, on: box}
"""


def sized(folder: Path, store: str, extra: str = "") -> Sized:
    path = folder / "blueprint.yaml"
    path.write_text(f"{dedent(HEAD)}stores: {{books: {{on: box, {store}}}}}\n{extra}")
    return workflows.size(workflows.validate(path))


def said(result: Sized, severity: Severity) -> str:
    found = [item for item in result.diagnostics if item.severity is severity]
    return " ".join(f"{item.where} {item.summary}; {item.detail}" for item in found)


def test_dimensions_come_from_the_model_that_embeds(tmp_path: Path) -> None:
    (books,) = sized(tmp_path, "engine: qdrant, pages: 1000000, embed_with: embed").stores
    assert (books.vectors, books.dimensions) == (1_116_072, 1024)
    assert books.ram_bytes == 6_857_146_368
    assert books.disk_bytes is not None
    assert 4e9 < books.disk_bytes < 10e9


def test_a_store_takes_its_room_on_its_host(tmp_path: Path) -> None:
    fitting = sized(tmp_path, "engine: qdrant, pages: 1000000, embed_with: embed")
    assert fitting.fits
    assert "stores.books" not in said(fitting, Severity.NOTE)
    crowded = sized(tmp_path, "engine: qdrant, pages: 100000000, embed_with: embed")
    assert not crowded.fits
    assert "stores.books" in said(crowded, Severity.ERROR)
    assert "RAM" in said(crowded, Severity.ERROR)


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("engine: qdrant, pages: 10, embed_with: embed, dimensions: 4096", "gives 1,024"),
        ("engine: qdrant, pages: 10, embed_with: chat", "trained to embed"),
        ("engine: qdrant, pages: 10, embed_with: embed, chunk: 64, overlap: 64", "no step"),
        ("engine: qdrant, pages: 10, embed_with: embed, chunk: 9000", "reads 8,192 tokens"),
        ("engine: pgvector, pages: 10, dimensions: 3072", "8 KB page"),
        ("engine: chroma, pages: 10, dimensions: 8, keep: {vectors: disk}", "in RAM whole"),
    ],
)
def test_mistakes_are_refused_with_a_reason(tmp_path: Path, store: str, expected: str) -> None:
    result = sized(tmp_path, store)
    assert not result.fits
    assert expected in said(result, Severity.ERROR)
    assert result.stores[0].ram_bytes is None


def test_shortened_vectors_are_a_warning(tmp_path: Path) -> None:
    result = sized(tmp_path, "engine: qdrant, pages: 10, embed_with: embed, dimensions: 256")
    assert "Matryoshka" in said(result, Severity.WARNING)
    assert result.stores[0].dimensions == 256


@pytest.mark.parametrize("store", ["engine: qdrant, embed_with: embed", "engine: qdrant, pages: 9"])
def test_what_is_not_written_is_unknown_and_said(tmp_path: Path, store: str) -> None:
    result = sized(tmp_path, store)
    assert result.fits
    assert result.stores[0].ram_bytes is None
    assert "not known" in said(result, Severity.NOTE)
    assert "unknown" in stores_to_text(result.stores, Style())
    assert stores_to_list(result.stores)[0]["ram"]["bytes"] is None


def test_a_store_without_a_host_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(dedent(HEAD) + "stores: {books: {engine: qdrant, pages: 9, dimensions: 8}}\n")
    result = workflows.size(workflows.validate(path))
    assert "has no host" in said(result, Severity.NOTE)
    assert result.stores[0].ram_bytes


def test_services_take_what_the_catalogue_says_and_others_are_named(tmp_path: Path) -> None:
    extra = "services: {n8n: {on: box}, wiki: {on: box}}\ngateway: {on: box}\n"
    result = sized(tmp_path, "engine: faiss, pages: 10, dimensions: 8", extra)
    known = {item.resource: item.ram_bytes for item in result.services}
    assert known == {"services.n8n": 2 * 2**30, "services.wiki": None, "gateway": 2**30}
    assert "not counted, for services.wiki" in said(result, Severity.NOTE)


def test_the_drawing_shows_the_arithmetic_and_stays_within_its_width(tmp_path: Path) -> None:
    result = sized(tmp_path, "engine: pgvector, pages: 1000000, embed_with: embed")
    text = stores_to_text(result.stores, Style(), explain=True)
    assert "500,000,000 / (512 - 64) = 1,116,072 vectors of 1,024 dimensions" in text
    assert "tuples never split" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_ram_of_a_host_counts_its_stores_and_services(tmp_path: Path) -> None:
    result = sized(tmp_path, "engine: qdrant, pages: 1000000, embed_with: embed",
                   "services: {n8n: {on: box}}\n")  # fmt: skip
    (box,) = size_to_dict(result.placement, (), beside=result.beside)["hosts"]
    terms = {term["name"]: term["bytes"] for term in box["ram"]["terms"] if not term["replica"]}
    assert terms == {"stores.books": 6_857_146_368, "services.n8n": 2 * 2**30}
    replicas = sum(r.report.host.used_bytes for r in result.placement.replicas)
    assert box["ram"]["used_bytes"] == replicas + sum(terms.values())
    drawn = size_to_text(result.placement, Style(), beside=result.beside)
    assert "S stores" in drawn
    assert "N services" in drawn
