"""Models are found by the names of the hub, of people, and of repackaged checkpoints."""

import pytest

from planner.catalogue.find_model import ModelMatch, all_models, find_model, model_ids
from planner.catalogue.match import NotFound
from planner.catalogue.names import squash
from planner.catalogue.reader import CatalogueReader
from tests.catalogue.readers import CountingCatalogue


def found_model(reader: CatalogueReader, name: str) -> ModelMatch:
    found = find_model(reader, name)
    assert isinstance(found, ModelMatch), found
    return found


def test_every_model_is_found_by_its_names(catalogue: CatalogueReader) -> None:
    for model in all_models(catalogue):
        short = model.id.partition("/")[2]
        for name in (model.id, short, short.lower(), short.replace("-", " ")):
            found = found_model(catalogue, name)
            assert (found.row.id, found.note, found.quantization) == (model.id, None, None)


def test_two_models_are_never_one_name(catalogue: CatalogueReader) -> None:
    ids = model_ids(catalogue)
    assert len({squash(model_id.partition("/")[2]) for model_id in ids}) == len(ids)


@pytest.mark.parametrize(
    "name",
    ["Qwen/Qwen3-30B-A3B", "Qwen3-30B-A3B", "qwen3-30b-a3b@0123abc", "unsloth/Qwen3-30B-A3B"],
)
def test_finding_one_model_reads_one_row(counting: CountingCatalogue, name: str) -> None:
    assert found_model(counting, name).row.id == "Qwen/Qwen3-30B-A3B"
    assert counting.reads == {"models/Qwen--Qwen3-30B-A3B"}


def test_a_repackaged_checkpoint_reads_one_row_beside_the_tables(
    counting: CountingCatalogue,
) -> None:
    found_model(counting, "RedHatAI/Qwen3-32B-FP8-dynamic")
    assert {read for read in counting.reads if read.startswith("models/")} == {
        "models/Qwen--Qwen3-32B"
    }


def test_a_revision_is_kept(catalogue: CatalogueReader) -> None:
    assert found_model(catalogue, "qwen3-30b-a3b@0123abc").revision == "0123abc"
    assert found_model(catalogue, "Qwen/Qwen3-32B-AWQ@main").revision == "main"
    assert found_model(catalogue, "Qwen/Qwen3-8B").revision is None


@pytest.mark.parametrize(
    ("name", "model", "quantization"),
    [
        ("Qwen/Qwen3-32B-AWQ", "Qwen/Qwen3-32B", "awq"),
        ("Qwen/Qwen3-235B-A22B-FP8", "Qwen/Qwen3-235B-A22B", "fp8-block"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "meta-llama/Llama-3.3-70B-Instruct", "fp8"),
        ("neuralmagic/Meta-Llama-3.1-70B-Instruct-quantized.w8a8",
         "meta-llama/Llama-3.1-70B-Instruct", "int8"),
        ("unsloth/Mistral-Small-24B-Instruct-2501-unsloth-bnb-4bit",
         "mistralai/Mistral-Small-24B-Instruct-2501", "bnb-nf4"),
        ("TheBloke/Mixtral-8x7B-Instruct-v0.1-GPTQ", "mistralai/Mixtral-8x7B-Instruct-v0.1",
         "gptq-int4"),
        ("cyankiwi/Qwen3.5-27B-AWQ-INT4", "Qwen/Qwen3.5-27B", "awq"),
        ("bartowski/Qwen_Qwen3.5-9B-Q4_K_M", "Qwen/Qwen3.5-9B", "Q4_K_M"),
        ("Qwen3-14B-Q4_K_M.gguf", "Qwen/Qwen3-14B", "Q4_K_M"),
        ("llama-2-70b.Q4_0", "meta-llama/Llama-2-70b-hf", "Q4_0"),
        ("DeepSeek-V3-0324-UD-Q2_K_XL", "deepseek-ai/DeepSeek-V3", "Q2_K"),
        ("gpt-oss-20b-MXFP4.gguf", "openai/gpt-oss-20b", "MXFP4"),
        ("DeepSeek R1 BF16", "deepseek-ai/DeepSeek-R1", "bf16"),
    ],
)  # fmt: skip
def test_a_repackaged_checkpoint_is_its_base_in_another_format(
    catalogue: CatalogueReader, name: str, model: str, quantization: str
) -> None:
    found = found_model(catalogue, name)
    assert found.row.id == model
    assert found.quantization is not None
    assert found.quantization.name == quantization
    assert found.note is not None
    assert model in found.note


def test_the_published_size_of_a_repackaged_checkpoint_comes_along(
    catalogue: CatalogueReader,
) -> None:
    awq = found_model(catalogue, "Qwen/Qwen3-32B-AWQ").repackaged
    fp8 = found_model(catalogue, "Qwen/Qwen3-32B-FP8")
    assert awq is not None
    assert awq.bytes.value == 19325298688
    assert fp8.repackaged is not None
    assert fp8.quantization is not None
    assert fp8.repackaged.quantization == fp8.quantization.name
    assert found_model(catalogue, "someone/Qwen3-32B-AWQ").repackaged is None


def test_a_gguf_repository_asks_for_the_file(catalogue: CatalogueReader) -> None:
    found = found_model(catalogue, "unsloth/Qwen3-8B-GGUF")
    assert found.row.id == "Qwen/Qwen3-8B"
    assert found.quantization is None
    assert found.note is not None
    assert "say which one" in found.note


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("llama3.1:8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("gemma3:27b", "google/gemma-3-27b-it"),
        ("Qwen/Qwen3-8B-Base", "Qwen/Qwen3-8B"),
        ("DeepSeek-R1-Distill-Qwen-32B", "Qwen/Qwen2.5-32B-Instruct"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"),
        ("google/gemma-3-27b (a local folder)", "google/gemma-3-27b-it"),
        ("Qwen3.6-27B", "Qwen/Qwen3.5-27B"),
    ],
)
def test_a_model_of_the_same_shapes_is_found_with_a_note(
    catalogue: CatalogueReader, name: str, model: str
) -> None:
    found = found_model(catalogue, name)
    assert found.row.id == model
    assert found.note is not None


@pytest.mark.parametrize("name", ["qwen3:8b", "gpt-oss:20b", "bge-m3"])
def test_a_tag_that_leaves_no_choice_needs_no_note(catalogue: CatalogueReader, name: str) -> None:
    assert found_model(catalogue, name).note is None


@pytest.mark.parametrize(
    "name", ["Qwen3-72B", "Qwen/Qwen3-72B", "qwen3:72b", "Qwen/Qwen3-72B-Instruct-AWQ"]
)
def test_a_release_that_never_was_comes_with_the_fact(
    catalogue: CatalogueReader, name: str
) -> None:
    found = find_model(catalogue, name)
    assert isinstance(found, NotFound)
    assert "the 72B is Qwen2.5" in found.summary
    assert found.advice == "write Qwen/Qwen2.5-72B-Instruct or Qwen/Qwen3-32B"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Qwen/Qwen3-8C", "Qwen/Qwen3-8B"),
        ("qwen3-720b", "Qwen/Qwen3-32B"),
        ("lama-3.1-8b-instruct", "meta-llama/Llama-3.1-8B-Instruct"),
        ("Qwen/Qwen3-Omni-30B-A3B-Instruct", "Qwen/Qwen3-Coder-30B-A3B-Instruct"),
    ],
)
def test_an_unknown_model_names_the_nearest(
    catalogue: CatalogueReader, name: str, nearest: str
) -> None:
    found = find_model(catalogue, name)
    assert isinstance(found, NotFound)
    assert found.nearest[0] == nearest


@pytest.mark.parametrize(
    "name", ["", "@", "/", "..", "../../etc/passwd", "GGUF", "-AWQ", "a" * 9000]
)
def test_nonsense_is_not_found(catalogue: CatalogueReader, name: str) -> None:
    assert isinstance(find_model(catalogue, name), NotFound)


def test_a_pipeline_is_called_what_it_is(catalogue: CatalogueReader) -> None:
    found = find_model(catalogue, "stabilityai/stable-diffusion-xl-base-1.0")
    assert isinstance(found, NotFound)
    assert "image pipeline" in found.summary
