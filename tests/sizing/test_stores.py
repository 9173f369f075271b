"""Vector stores: every worked number of public sources, refusals, and what never happens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.diagnostics import has_errors
from planner.sizing.stores.pgvector import graph_entry_bytes
from planner.sizing.stores.size import STORES, size_store, vector_count
from planner.sizing.stores.values import Parts, StoreRequest
from planner.units import GIB

MILLION = 1_000_000
BOOK = vector_count(MILLION, 500, 512, 64)  # a million pages


def store(engine: str, vectors: int, dimensions: int, **options: Any) -> Parts:
    parts, found = size_store(StoreRequest(engine, vectors, dimensions, **options), "stores", "s")
    assert not has_errors(found), found
    return parts


def refusal(engine: str, dimensions: int = 1024, **options: Any) -> str:
    request = StoreRequest(engine, MILLION, dimensions, **options)
    parts, found = size_store(request, "stores", "s")
    assert has_errors(found)
    assert parts == Parts((), ())
    return " ".join(f"{item.where} {item.summary}: {item.detail}" for item in found)


def ram(parts: Parts, *names: str) -> int:
    return sum(term.bytes for term in parts.ram if not names or term.name in names)


def disk(parts: Parts, *names: str) -> int:
    return sum(term.bytes for term in parts.disk if not names or term.name in names)


def test_pages_become_vectors() -> None:
    assert BOOK == 1_116_072
    assert vector_count(MILLION, 500, 256, 50) == 2_427_185
    assert vector_count(1, 500, 512, 64) == 2


def test_an_overlap_without_step_is_refused() -> None:
    with pytest.raises(ValueError, match="no step"):
        vector_count(10, 500, 64, 64)


def test_a_million_pages_are_a_few_gigabytes() -> None:
    parts = store("qdrant", BOOK, 1024)
    assert disk(parts, "vectors") == BOOK * 4096 == 4_571_430_912
    assert ram(parts) == 6_857_146_368
    int8 = store("qdrant", BOOK, 1024, quantization="scalar", keep={"vectors": "disk"})
    assert ram(int8, "quantized") == 1_142_857_728
    wide = store("qdrant", 2_427_185, 4096)
    assert round(disk(wide, "vectors") / 1e9, 1) == 39.8


def test_qdrant_capacity_rule() -> None:
    assert ram(store("qdrant", MILLION, 1024)) == 6_144_000_000


@pytest.mark.parametrize(("kind", "copy"), [("scalar", 1.02), ("binary", 0.128)])
def test_qdrant_quantized_copies_in_ram(kind: str, copy: float) -> None:
    parts = store("qdrant", MILLION, 1024, quantization=kind, keep={"vectors": "disk"})
    assert ram(parts, "quantized") / 1e9 == pytest.approx(copy, abs=0.005)
    assert round(ram(parts, "graph") / 1e9, 2) == 0.14
    assert round(disk(parts, "vectors") / 1e9, 1) == 4.1
    assert [term.name for term in parts.cache] == ["vectors"]


def test_qdrant_four_hundred_million_vectors_on_a_small_machine() -> None:
    """The vendor's LAION tutorial: 64 GB of RAM, 650 GB of disk with 200 GB of payload."""
    parts = store("qdrant", 400 * MILLION, 512, precision="float16", m=6, quantization="binary",
                  keep={"vectors": "disk", "quantized": "ram"})  # fmt: skip
    assert round(disk(parts, "vectors") / 1e9, -1) == 410
    assert ram(parts) < 64e9
    assert disk(parts, "vectors", "quantized", "graph") / 1e9 + 200 == pytest.approx(650, rel=0.02)


@pytest.mark.parametrize(
    ("dimensions", "precision", "each"),
    [
        (768, "float32", 4096),
        (1024, "float32", 8192),
        (1536, "float32", 8192),
        (1024, "float16", 2731),
        (1536, "float16", 4096),
        (3072, "float16", 8192),
    ],
)
def test_pgvector_tuples_are_never_split(dimensions: int, precision: str, each: int) -> None:
    request = StoreRequest("pgvector", MILLION, dimensions, precision=precision)
    assert graph_entry_bytes(request) == each
    assert disk(store("pgvector", MILLION, dimensions, precision=precision), "index") == (
        MILLION * each
    )


def test_pgvector_types_in_the_table() -> None:
    assert disk(store("pgvector", 1, 1024), "table") == 4 * 1024 + 8
    assert disk(store("pgvector", 1, 1024, precision="float16"), "table") == 2 * 1024 + 8


def test_pgvector_clusters_add_their_centres() -> None:
    one = store("pgvector", MILLION, 768, index="ivf", lists=1)
    many = store("pgvector", MILLION, 768, index="ivf", lists=1001)
    assert disk(many, "index") - disk(one, "index") == 1000 * 768 * 4


def test_pgvector_says_its_page_cache_separately() -> None:
    parts = store("pgvector", MILLION, 1024, keep={"vectors": "disk", "graph": "disk"})
    assert ram(parts) == 128 * 2**20
    assert [term.bytes for term in parts.cache] == [disk(parts, "index")]


def faiss(n: int, d: int, **options: Any) -> float:
    return ram(store("faiss", n, d, **options)) / n


def test_faiss_measured_sizes() -> None:
    assert faiss(50_000, 768, index="flat") == 3072
    assert faiss(50_000, 768, index="flat", precision="float16") == 1536
    assert faiss(50_000, 768, index="flat", quantization="scalar") == 768
    assert faiss(50_000, 768, index="hnsw", m=16) == 3216
    assert faiss(50_000, 768, index="hnsw", m=32) == 3344
    assert round(faiss(50_000, 768, index="ivf", lists=256)) == 3096
    coded = store("faiss", 50_000, 768, index="flat", quantization="product")
    assert ram(coded, "vectors") == 50_000 * 96
    assert round(ram(coded, "codebook") / 1e6, 2) == 0.79


def test_a_hundred_million_vectors_are_no_200_gigabytes() -> None:
    n = 100 * MILLION
    assert ram(store("faiss", n, 768, index="flat")) == 307_200_000_000
    assert ram(store("faiss", n, 768, m=16)) == 321_600_000_000
    assert ram(store("qdrant", n, 768)) == 460_800_000_000
    assert disk(store("qdrant", n, 768, precision="float16"), "vectors") == 153_600_000_000
    for kind, size in (("scalar", 76_800_000_000), ("binary", 9_600_000_000)):
        parts = store("qdrant", n, 768, quantization=kind, keep={"vectors": "disk"})
        assert ram(parts, "quantized") == size


@pytest.mark.parametrize(
    ("machine", "millions"), [(4, 0.7), (8, 1.7), (16, 3.6), (32, 7.5), (64, 15.0)]
)
def test_chroma_machines_hold_what_their_vendor_says(machine: int, millions: float) -> None:
    need = ram(store("chroma", int(millions * MILLION), 1024))
    assert 0.9 * machine * GIB < need <= machine * GIB


def test_milvus_clusters_and_graph() -> None:
    parts = store("milvus", MILLION, 768, index="ivf", lists=1024)
    assert ram(parts, "vectors") == 3_072_000_000
    assert ram(parts, "lists") == 1024 * 768 * 4 + 4 * MILLION == 7_145_728
    graph = store("milvus", MILLION, 768)
    assert 1.5 * 3_072_000_000 <= ram(graph) <= 2 * 3_072_000_000


def test_weaviate_memory_guide() -> None:
    parts = store("weaviate", 10 * MILLION, 768)
    assert round(ram(parts, "vectors") / 1e9, 1) == 31.0
    assert ram(parts, "graph") == 3_200_000_000
    assert 51e9 < ram(parts) < 54.4e9


@pytest.mark.parametrize(
    ("engine", "options", "said"),
    [
        ("pgvector", {"dimensions": 3072}, "8 KB page"),
        ("pgvector", {"dimensions": 4096, "precision": "float16"}, "4,000"),
        ("pgvector", {"quantization": "scalar"}, "halfvec"),
        ("pgvector", {"keep": {"graph": "disk"}}, "keep.vectors"),
        ("chroma", {"keep": {"vectors": "disk"}}, "in RAM whole"),
        ("chroma", {"quantization": "scalar"}, "float32 only"),
        ("chroma", {"index": "ivf"}, "in RAM whole"),
        ("qdrant", {"index": "ivf"}, "no clusters"),
        ("qdrant", {"index": "flat", "m": 16}, "links of a node"),
        ("qdrant", {"lists": 100}, "clusters of an IVF index"),
        ("qdrant", {"keep": {"quantized": "ram"}}, "no quantized vectors"),
        ("faiss", {"quantization": "binary"}, "bits to begin with"),
        ("faiss", {"keep": {"vectors": "disk"}}, "loads a graph whole"),
        ("faiss", {"quantization": "scalar", "precision": "float16"}, "either float16 or codes"),
        ("milvus", {"quantization": "binary"}, "IVF_RABITQ"),
        ("weaviate", {"precision": "float16"}, "float32"),
        ("weaviate", {"keep": {"vectors": "disk"}}, "uncompressed graph"),
        ("weaviate", {"index": "flat", "quantization": "product"}, "binary"),
    ],
)
def test_what_an_engine_cannot_do_is_refused_with_its_reason(
    engine: str, options: dict[str, Any], said: str
) -> None:
    text = refusal(engine, **options)
    assert text.startswith("stores.s.")
    assert said in text


def test_every_refusal_gives_a_reason() -> None:
    words = {"index": ("hnsw", "ivf", "flat"), "precision": ("float32", "float16"),
             "quantization": ("none", "scalar", "binary", "product")}  # fmt: skip
    for engine in STORES.values():
        known = {*engine.indexes, *engine.quantizations, *engine.precisions}
        for word in (word for group in words.values() for word in group):
            assert word in known or word in engine.why, (engine.name, word)


REQUESTS = st.builds(
    StoreRequest,
    engine=st.sampled_from(sorted(STORES)),
    vectors=st.integers(1, 10**9),
    dimensions=st.integers(1, 2000),
    tokens=st.integers(0, 10**12),
    index=st.sampled_from([None, "hnsw", "ivf", "flat"]),
    quantization=st.sampled_from(["none", "scalar", "binary", "product"]),
    precision=st.sampled_from(["float32", "float16"]),
    keep=st.dictionaries(
        st.sampled_from(["vectors", "quantized", "graph"]), st.sampled_from(["ram", "disk"])
    ),
)


@given(REQUESTS)
def test_bytes_are_never_negative_and_more_is_never_less(request: StoreRequest) -> None:
    small, found = size_store(request, "stores", "s")
    if has_errors(found):
        assert small == Parts((), ())
        return
    every = (*small.ram, *small.disk, *small.cache)
    assert every
    assert all(term.bytes >= 0 and term.why and term.source for term in every)
    more, _ = size_store(replace(request, vectors=request.vectors * 2), "stores", "s")
    assert ram(more) >= ram(small)
    assert disk(more) >= disk(small)
    wide, refused = size_store(replace(request, dimensions=request.dimensions + 8), "stores", "s")
    if not has_errors(refused):
        assert ram(wide) >= ram(small)
        assert disk(wide) >= disk(small)


@given(REQUESTS)
def test_what_moves_to_disk_leaves_ram_and_stays_on_disk(request: StoreRequest) -> None:
    here, found = size_store(replace(request, keep={}), "stores", "s")
    there, refused = size_store(replace(request, keep={"vectors": "disk"}), "stores", "s")
    if has_errors(found) or has_errors(refused):
        return
    assert ram(there) <= ram(here)
    assert disk(there) == disk(here)
