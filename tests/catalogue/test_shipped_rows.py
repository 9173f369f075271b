"""Every shipped row loads, is named by its file, and agrees with itself."""

from decimal import Decimal
from importlib.resources import files

import pytest

from planner.catalogue.aliases import read_aliases
from planner.catalogue.find_model import all_models, model_ids, model_row
from planner.catalogue.find_offer import find_provider, provider_row
from planner.catalogue.find_part import all_cpus, all_devices, cpu_row, device_row
from planner.catalogue.match import Match
from planner.catalogue.model import AttentionKind, ModelFacts, hugging_face_config
from planner.catalogue.pipeline import parse_pipeline
from planner.catalogue.price import read_exchange_rates, read_memory_prices, read_tariffs
from planner.catalogue.quantization import find_quantization, read_quantizations
from planner.catalogue.reader import CPUS, DEVICES, MODELS, PIPELINES, PROVIDERS, TABLES
from planner.sources.catalogue import PackagedCatalogue

SHIPPED = PackagedCatalogue()
MODEL_ROWS = all_models(SHIPPED)


def named(model: ModelFacts) -> str:
    return model.id


@pytest.mark.parametrize("name", SHIPPED.names(DEVICES))
def test_a_device_loads(name: str) -> None:
    device = device_row(SHIPPED, name)
    assert device.id == name
    assert device.memory_bandwidth is not None
    assert device.memory_bytes is None or device.memory_bytes <= device.nominal_gb << 30
    assert {source.key for source in device.sources} == set(SHIPPED.read(DEVICES, name)["sources"])


@pytest.mark.parametrize("name", SHIPPED.names(CPUS))
def test_a_cpu_loads_and_its_bandwidth_is_channels_times_rate(name: str) -> None:
    cpu = cpu_row(SHIPPED, name)
    assert cpu.id == name
    rate = cpu.memory_channels.value * cpu.megatransfers.value * 10**6 * 8
    assert cpu.memory_bandwidth.value == rate


@pytest.mark.parametrize("name", SHIPPED.names(PROVIDERS))
def test_a_provider_loads(name: str) -> None:
    provider = provider_row(SHIPPED, name)
    assert provider.id == name
    assert provider.offers
    assert all(offer.price.money.amount > 0 for offer in provider.offers)
    assert isinstance(find_provider(SHIPPED, provider.name), Match)


@pytest.mark.parametrize("name", SHIPPED.names(PIPELINES))
def test_a_pipeline_loads_and_is_the_sum_of_its_parts(name: str) -> None:
    pipeline = parse_pipeline(SHIPPED.read(PIPELINES, name), name)
    assert pipeline.params == sum(part.params for part in pipeline.components)
    assert pipeline.bytes == sum(part.bytes for part in pipeline.components)
    assert pipeline.bytes == pipeline.params * 2


@pytest.mark.parametrize("model", MODEL_ROWS, ids=named)
def test_a_model_is_named_by_its_file_and_counts_its_parts(model: ModelFacts) -> None:
    params = model.params
    assert model.id.replace("/", "--") in SHIPPED.names(MODELS)
    assert params.embedding + params.lm_head + params.vision < params.total
    if params.active is not None and params.read_per_token is not None:
        untied = 0 if model.arch.tie_embeddings else params.embedding
        assert params.read_per_token == params.active - untied
    if model.moe is not None:
        assert params.active is not None
        one = model.moe.routed_params // model.moe.experts
        resting = one * (model.moe.experts - model.moe.experts_per_token)
        assert params.total - params.vision - resting == params.active


@pytest.mark.parametrize("model", MODEL_ROWS, ids=named)
def test_the_weights_of_a_model_follow_from_its_count(model: ModelFacts) -> None:
    width = {"bf16": 2, "fp16": 2, "fp32": 4}.get(model.weights.quantization)
    if width is not None:
        assert model.weights.bytes == width * model.params.total
    else:
        assert model.weights.bytes_bf16 == 2 * model.params.total
        assert isinstance(find_quantization(SHIPPED, model.weights.quantization), Match)


@pytest.mark.parametrize("model", MODEL_ROWS, ids=named)
def test_the_cache_of_a_model_follows_from_its_shape(model: ModelFacts) -> None:
    arch, attention, kv = model.arch, model.attention, model.kv
    layer = 2 * arch.kv_heads * arch.head_dim * 2
    if attention.kind in (AttentionKind.GQA, AttentionKind.MHA, AttentionKind.HYBRID):
        assert kv.per_token == attention.layers_full * layer
    elif attention.mla is not None:
        rank = attention.mla.kv_lora_rank + attention.mla.qk_rope_head_dim
        assert kv.per_token == arch.layers * rank * 2
    elif attention.kind is AttentionKind.ENCODER:
        assert kv.per_token == 0
    elif attention.kind is AttentionKind.ENCODER_DECODER:
        assert kv.self_per_token == arch.layers * layer
    else:
        assert kv.full_per_token == attention.layers_full * layer
        assert kv.sliding_per_token == attention.layers_sliding * layer
        assert kv.sliding_tokens == attention.window


@pytest.mark.parametrize("model", MODEL_ROWS, ids=named)
def test_the_config_of_a_model_agrees_with_its_shape(model: ModelFacts) -> None:
    config = hugging_face_config(model)
    text = {**config, **config.get("text_config", {})}
    assert config["architectures"] == [model.architecture]
    assert text.get("hidden_size", text.get("d_model")) == model.arch.hidden
    assert text.get("num_hidden_layers", text.get("decoder_layers")) == model.arch.layers
    letters = model.attention.layer_types
    assert letters is None or len(letters) == model.arch.layers
    counted = model.attention
    assert counted.layers_full + counted.layers_sliding + counted.layers_linear == model.arch.layers


def test_totals_that_publishers_state() -> None:
    totals = {model.id: model.params.total for model in MODEL_ROWS}
    assert totals["Qwen/Qwen3-8B"] == 8190735360
    assert totals["Qwen/Qwen3-30B-A3B"] == totals["Qwen/Qwen3-30B-A3B-Base"] == 30532122624
    assert totals["Qwen/Qwen3-235B-A22B"] == 235093634560
    assert totals["meta-llama/Llama-3.1-70B-Instruct"] == 70553706496
    assert totals["openai/gpt-oss-120b"] == 116829156672
    assert totals["deepseek-ai/DeepSeek-V3"] == 671026404352
    assert totals["BAAI/bge-m3"] == 567754752
    assert totals["meta-llama/Llama-3.2-3B-Instruct"] == 3212749824
    assert len(totals) >= 77


def test_a_difference_from_the_published_count_has_its_reason() -> None:
    for model in MODEL_ROWS:
        published = model.params.published
        assert (published.difference == 0) == (published.reason is None), model.id
    assert model_row(SHIPPED, "Qwen/Qwen3-0.6B").params.published.difference == 155582464


def test_gguf_files_are_a_little_larger_than_their_tensors() -> None:
    sizes = [size for model in MODEL_ROWS for size in model.gguf]
    assert len(sizes) >= 11
    for size in sizes:
        assert isinstance(find_quantization(SHIPPED, size.quantization), Match)
        if size.file_bytes is not None:
            assert 4_000_000 < size.file_bytes - size.tensor_bytes < 9_000_000


def test_unknown_figures_are_none_and_never_zero() -> None:
    devices = {device.id: device for device in all_devices(SHIPPED)}
    assert devices["mi325x"].memory is None
    assert devices["apple-m5-ultra"].fp16_flops is None
    assert devices["rtx-4090"].idle_watts is None
    assert devices["rtx-a6000"].fp8 is False
    assert devices["arc-b580"].fp8 is None


def test_figures_of_an_rtx_4090() -> None:
    device = device_row(SHIPPED, "rtx-4090")
    assert device.memory_bytes == 24564 * 2**20 == 25757220864
    assert device.bandwidth == 1_008_000_000_000
    assert device.fp16_flops is not None
    assert device.fp16_flops.value == 165_200_000_000_000
    assert device.tdp_watts is not None
    assert device.tdp_watts.value == 450
    assert str(device.street_prices[0].low) == "2,977.00 USD"


def test_figures_of_other_parts() -> None:
    spark = device_row(SHIPPED, "dgx-spark-gb10")
    assert spark.compute_capability is not None
    assert spark.compute_capability.value == "12.1"
    assert device_row(SHIPPED, "h100-sxm").bandwidth == 3_350_000_000_000
    studio = device_row(SHIPPED, "apple-m3-ultra")
    assert studio.usable_memory[-1].usable_bytes == 384 * 2**30
    xeon = cpu_row(SHIPPED, "xeon-6980p")
    assert xeon.options[0].bandwidth == 844_800_000_000
    epyc = cpu_row(SHIPPED, "epyc-9374f")
    assert (epyc.cores.value, epyc.memory_bandwidth.value) == (32, 460_800_000_000)
    assert len(all_cpus(SHIPPED)) >= 10


def test_tables_of_prices_load() -> None:
    tariffs = read_tariffs(SHIPPED)
    household = [item for item in tariffs if (item.region, item.sector) == ("de", "household")]
    assert str(household[0].price) == "0.372 EUR/kWh"
    assert read_exchange_rates(SHIPPED)[0].rate == Decimal("1.1637")
    modules = read_memory_prices(SHIPPED)
    assert str(next(item for item in modules if item.period == "2026-Q1").per_tb()) == (
        "14,400.00 USD"
    )


def test_aliases_name_rows_that_exist() -> None:
    for kind, ids in (
        (DEVICES, SHIPPED.names(DEVICES)),
        (CPUS, SHIPPED.names(CPUS)),
        (MODELS, model_ids(SHIPPED)),
        (PROVIDERS, SHIPPED.names(PROVIDERS)),
    ):
        aliases = read_aliases(SHIPPED, kind)
        assert {alias.id for alias in aliases.names} <= set(ids)
        for choice in aliases.choices:
            assert choice.choose in choice.among <= set(ids)
        for habit in aliases.formats:
            assert isinstance(find_quantization(SHIPPED, habit.means), Match)


def test_every_source_of_a_file_is_used_by_it() -> None:
    for kind in (DEVICES, CPUS, MODELS, PROVIDERS, PIPELINES, TABLES):
        for name in SHIPPED.names(kind):
            row = SHIPPED.read(kind, name)
            used = set(_source_keys({key: row[key] for key in row if key != "sources"}))
            assert used == set(row.get("sources", {})), f"{kind}/{name}"


def _source_keys(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [item for key, item in value.items() if key in ("source", "config_source")]
        return own + [key for item in value.values() for key in _source_keys(item)]
    if isinstance(value, list):
        return [key for item in value for key in _source_keys(item)]
    return []


def test_gguf_blocks_are_those_of_the_gguf_library() -> None:
    gguf = pytest.importorskip("gguf")
    for item in read_quantizations(SHIPPED).tensor_types:
        known = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[item.name]]
        assert known == (item.weights, item.bytes), item.name


def test_rows_can_be_read_by_people() -> None:
    root = files("planner.catalogue") / "data"
    for kind in (DEVICES, CPUS, MODELS, PROVIDERS, PIPELINES):
        for item in (root / kind).iterdir():
            lines = item.read_text(encoding="utf-8").splitlines()
            long = [line for line in lines if len(line) > 100 and "url:" not in line]
            assert not long, f"{item.name}: {long[0]}"
