"""A GGUF file's header gives its architecture and the exact bytes of its tensors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gguf
import pytest

from planner.errors import BlueprintInvalid
from planner.sizing.gguf_header import GgufHeader, GgufTensor, NotGguf, Truncated, parse_gguf_header
from planner.sizing.gguf_model import gguf_architecture, gguf_file_weights
from planner.sizing.size import size as sizing
from planner.sizing.values import SizeRequest
from planner.sources.model_files import read_model_files
from tests.helpers.tiny_gguf import write_tiny_gguf
from tests.sizing.models import mib_on_host


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


def headed(family: str, blocks: int, heads: int) -> GgufHeader:
    """A header of ``blocks`` blocks of attention, the last ``heads`` of them guessing."""
    metadata: dict[str, object] = {
        "general.architecture": family,
        f"{family}.block_count": blocks,
        f"{family}.embedding_length": 256,
        f"{family}.attention.head_count": 4,
        f"{family}.attention.head_count_kv": 2,
        f"{family}.attention.key_length": 64,
        f"{family}.feed_forward_length": 512,
        f"{family}.context_length": 4096,
        f"{family}.nextn_predict_layers": heads,
    }
    shapes = {"attn_q": (256, 256), "attn_k": (256, 128), "attn_v": (256, 128),
              "attn_output": (256, 256), "ffn_up": (256, 512)}  # fmt: skip
    named = [("token_embd.weight", (256, 1000)), ("output.weight", (256, 1000))]
    for block in range(blocks):
        named += [(f"blk.{block}.{name}.weight", shape) for name, shape in shapes.items()]
        if block >= blocks - heads:
            named.append((f"blk.{block}.nextn.eh_proj.weight", (512, 256)))
    tensors, offset = [], 0
    for name, shape in named:
        tensors.append(GgufTensor(name, shape, "F16", offset))
        offset += 2 * shape[0] * shape[1]
    return GgufHeader(metadata, tuple(tensors), 0)


@pytest.mark.parametrize("family", ["qwen35", "llama"])
def test_a_head_that_guesses_is_no_layer(family: str) -> None:
    header, plain = headed(family, 5, 1), headed(family, 4, 0)
    found, same = gguf_architecture(header), gguf_architecture(plain)
    assert found.layers == same.layers
    size = sum(2 * tensor.elements for tensor in header.tensors)
    weights = gguf_file_weights(header, size)
    assert weights.file_bytes == size
    assert len(weights.layers) == 4
    assert weights.head == size - sum(2 * tensor.elements for tensor in plain.tensors)


def test_a_files_own_head_is_weighed_once() -> None:
    header = headed("qwen35", 5, 1)
    size = sum(2 * tensor.elements for tensor in header.tensors)
    request = SizeRequest(
        "own", gguf_architecture(header), "llama.cpp", gguf=gguf_file_weights(header, size),
        quant="F16", context=1024, parallel=1,
    )  # fmt: skip
    plain, guessing = (sizing(replace(request, draft_tokens=tokens)) for tokens in (None, 2))
    assert mib_on_host(plain, "weights") == mib_on_host(guessing, "weights") == size / 2**20
    # its cache: 2 heads of 64, K and V, 1024 cells in 16 bit; and a buffer of its own
    cache = 2 * 64 * 2 * 2 * 1024 / 2**20
    assert mib_on_host(guessing, "draft") == pytest.approx(
        cache + mib_on_host(plain, "activations"), rel=0.2
    )
