"""A GGUF file's header gives its architecture and the exact bytes of its tensors."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest

from planner.errors import BlueprintInvalid
from planner.sizing.gguf_header import NotGguf, Truncated, parse_gguf_header
from planner.sizing.gguf_model import gguf_architecture, gguf_file_weights
from planner.sources.model_files import read_model_files
from tests.helpers.tiny_gguf import write_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def test_tensors_agree_with_the_gguf_library(tiny: Path) -> None:
    header = parse_gguf_header(tiny.read_bytes())
    theirs = {tensor.name: tensor for tensor in gguf.GGUFReader(str(tiny)).tensors}
    assert {tensor.name for tensor in header.tensors} == set(theirs)
    for tensor in header.tensors:
        other = theirs[tensor.name]
        assert tensor.shape == tuple(int(size) for size in other.shape)
        assert tensor.type == other.tensor_type.name
        assert tensor.offset + header.data_offset == other.data_offset


def test_bytes_of_all_tensors_are_exact(tiny: Path) -> None:
    header = parse_gguf_header(tiny.read_bytes())
    weights = gguf_file_weights(header, tiny.stat().st_size)
    assert weights.file_bytes == sum(int(t.n_bytes) for t in gguf.GGUFReader(str(tiny)).tensors)


def test_the_architecture_has_every_parameter(tiny: Path) -> None:
    header = parse_gguf_header(tiny.read_bytes())
    architecture = gguf_architecture(header)
    assert architecture.parameters == sum(tensor.elements for tensor in header.tensors)
    assert architecture.max_position == 8192


def test_a_header_that_is_cut_short_says_so(tiny: Path) -> None:
    with pytest.raises(Truncated):
        parse_gguf_header(tiny.read_bytes()[:200])


@pytest.mark.parametrize("data", [b"GGML" + bytes(60), b"GGUF\x09\0\0\0" + bytes(60)])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(NotGguf):
        parse_gguf_header(data)


def test_reading_a_file_never_needs_its_weights(tiny: Path, tmp_path: Path) -> None:
    header = parse_gguf_header(tiny.read_bytes())
    sparse = tmp_path / "sparse.gguf"
    with sparse.open("wb") as file:
        file.write(tiny.read_bytes()[: header.data_offset])
        file.truncate(tiny.stat().st_size)
    files, same = read_model_files(str(sparse)), read_model_files(str(tiny))
    assert files is not None
    assert same is not None
    assert files.gguf == same.gguf


def test_a_damaged_download_is_named(tiny: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[:500])
    with pytest.raises(BlueprintInvalid, match="GGUF"):
        read_model_files(str(cut))
