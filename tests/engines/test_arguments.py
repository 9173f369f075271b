"""Each engine is told what sizing decided, in the words of its version."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.engines.arguments import check_arguments, memory_share
from planner.engines.registry import ENGINES
from planner.sizing.values import DeviceSize, HostSize, SizeReport, Term
from tests.engines.launches import engine_of, launch, one_card, rows_of, two_cards, value, words


@pytest.mark.parametrize("engine", [engine.name for engine in ENGINES])
@pytest.mark.parametrize("count", [1, 2])
def test_every_option_exists_in_the_version(engine: str, count: int) -> None:
    for row in rows_of(engine):
        devices = one_card() if count == 1 else two_cards()
        line = words(engine, devices, version=row.version, parallel=4, kv_dtype="auto")
        options = [word for word in line if word.startswith("-")]
        assert options
        assert set(options) <= row.flags


@pytest.mark.parametrize("engine", [engine.name for engine in ENGINES])
def test_address_port_and_name_are_always_said(engine: str) -> None:
    line = words(engine, one_card())
    names = {"--alias", "--served-model-name"} & set(line)
    hosts = {"--host", "--hostname"} & set(line)
    assert value(line, hosts.pop()) == "0.0.0.0"
    assert value(line, "--port") == "8080"
    assert value(line, names.pop()) == "chat"


def test_llama_cpp_on_a_cpu() -> None:
    line = words("llama.cpp", context=4096, parallel=2, threads=16, sockets=2)
    assert value(line, "--model") == "/models/file.gguf"
    assert value(line, "--ctx-size") == "4096"
    assert value(line, "--parallel") == "2"
    assert "--kv-unified" in line
    assert "--gpu-layers" not in line
    assert value(line, "--threads") == "16"
    assert value(line, "--numa") == "distribute"
    assert value(line, "--fit") == "off"
    assert value(line, "--cache-ram") == "0"


def test_llama_cpp_split_over_cards_and_ram() -> None:
    line = words("llama.cpp", two_cards(), cpu_moe=24, gpu_layers=49, kv_dtype="q8_0,f16")
    assert value(line, "--gpu-layers") == "49"
    assert value(line, "--n-cpu-moe") == "24"
    assert value(line, "--tensor-split") == "24564,24564"
    assert (value(line, "--cache-type-k"), value(line, "--cache-type-v")) == ("q8_0", "f16")
    assert "--flash-attn" not in line


def test_a_quantized_value_cache_needs_flash_attention() -> None:
    assert value(words("llama.cpp", kv_dtype="q8_0"), "--flash-attn") == "on"


def test_the_pool_is_what_sizing_reserved() -> None:
    told = launch("llama.cpp", context=4096)
    sized = replace(told.placed.report, kv_capacity_tokens=16384)
    told = told._replace(placed=replace(told.placed, report=sized))
    from planner.engines.arguments import arguments

    line = list(arguments(engine_of("llama.cpp"), told))
    assert value(line, "--ctx-size") == "16384"


def test_vllm_is_cut_over_all_its_cards() -> None:
    assert value(words("vllm", two_cards()), "--tensor-parallel-size") == "2"
    line = words("vllm", two_cards(), pipeline_parallel=2)
    assert value(line, "--pipeline-parallel-size") == "2"
    assert "--tensor-parallel-size" not in line


def test_vllm_is_held_to_its_share() -> None:
    assert value(words("vllm", one_card()), "--gpu-memory-utilization") == "0.83"


def test_what_the_owner_writes_replaces_what_planner_would() -> None:
    line = words("vllm", one_card(), extra_args=["--gpu-memory-utilization=0.5", "--port", "1"])
    assert "--gpu-memory-utilization" not in line
    assert line[-3:] == ["--gpu-memory-utilization=0.5", "--port", "1"]
    assert line.count("--port") == 1


def test_an_option_the_version_lacks_is_an_error_when_needed() -> None:
    told = launch("llama.cpp", threads=4)
    version = replace(told.version, flags=told.version.flags - {"--threads", "--fit"})
    found = check_arguments(engine_of("llama.cpp"), told._replace(version=version))
    assert [item.summary for item in found] == ["llama.cpp 0.7.0 has no --threads"]


@pytest.mark.parametrize(
    ("engine", "spec", "where"),
    [
        ("vllm", {"cpu_moe": 4}, "models.chat.cpu_moe"),
        ("sglang", {"gpu_layers": 4}, "models.chat.gpu_layers"),
        ("llama.cpp", {"kv_dtype": "fp8"}, "models.chat.kv_dtype"),
        ("llama.cpp", {"experts_per_token": 4}, "models.chat.experts_per_token"),
    ],
)
def test_what_an_engine_cannot_do_is_said(engine: str, spec: dict[str, object], where: str) -> None:
    found = check_arguments(engine_of(engine), launch(engine, one_card(), **spec))
    assert where in [item.where for item in found]


def share(*terms: tuple[str, int], total: int = 1000) -> str | None:
    device = DeviceSize("card", 0, total, tuple(Term(name, size, "") for name, size in terms))
    report = SizeReport("m", "e", True, (device,), HostSize(), None, None, None, None, None)
    return memory_share(report, frozenset({"graphs"}))


def test_the_share_rounds_down_but_not_past_what_sizing_meant() -> None:
    assert share(("weights", 500), ("kv_cache", 405)) == "0.90"
    assert share(("weights", 899), ("graphs", 90)) == "0.90"  # a thousandth short of 0.90
    assert share(("weights", 898)) == "0.89"
    assert share(("weights", 1000)) == "0.99"
    assert share() is None


def test_the_share_that_was_sized_with_is_told_as_it_was() -> None:
    device = DeviceSize("card", 0, 1000, (Term("weights", 700, ""),))
    sized = SizeReport(
        "m", "e", True, (device,), HostSize(), None, None, None, None, None, share=0.925
    )
    assert memory_share(sized, frozenset()) == "0.925"
