"""Each engine is told what sizing decided, in the words of its version."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from planner.diagnostics import Severity
from planner.engines.arguments import arguments, check_arguments, environment, memory_share
from planner.engines.registry import ENGINES
from planner.sizing.values import DeviceSize, HostSize, SizeReport, Term
from tests.engines.launches import (
    engine_of,
    launch,
    model_facts,
    one_card,
    rows_of,
    two_cards,
    value,
    words,
)

NAMES = [engine.name for engine in ENGINES]
# What each engine makes something of, as far as it can stand beside everything else.
ASKED: dict[str, object] = {
    "kv_dtype": "auto",
    "tensor_parallel": 2,
    "pipeline_parallel": 1,
    "expert_parallel": True,
    "gpu_layers": 20,
    "cpu_moe": 10,
    "override_tensor": ["exps=CPU"],
    "split_mode": "row",
    "threads": 8,
    "numa": [0],
    "cpus": "0-15",
    "experts_per_token": 12,
}


def everything(name: str) -> dict[str, object]:
    return {key: value for key, value in ASKED.items() if key in engine_of(name).keys}


@pytest.mark.parametrize("engine", NAMES)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_every_option_exists_in_the_version(engine: str, count: int) -> None:
    """With all that can be asked of it, in every version that planner has rows of."""
    devices = (one_card() if count == 1 else two_cards()) if count else ()
    facts = {"facts": model_facts("Qwen/Qwen3-30B-A3B"), "yarn": 2.0, "context": 65536}
    told = {key: facts[key] for key in ("facts", "context")}
    if "yarn" in engine_of(engine).keys:
        told["yarn"] = 2.0
    for task in engine_of(engine).tasks:
        for row in rows_of(engine):
            spec = everything(engine) | {"parallel": 4, "task": task}
            asked = launch(engine, devices, version=row.version, fields=told, **spec)
            line = arguments(engine_of(engine), asked)
            names = {word for word in line if re.fullmatch(r"--?[A-Za-z]\S*", word)}
            assert names <= row.flags, row.version
            assert names or engine_of(engine).by_environment


@pytest.mark.parametrize("engine", [name for name in NAMES if engine_of(name).by_environment])
def test_every_variable_exists_in_the_version(engine: str) -> None:
    """Those that no version has are the image's own, such as HOME."""
    for row in rows_of(engine):
        asked = launch(engine, one_card(), version=row.version, **everything(engine))
        pairs = environment(engine_of(engine), asked)
        assert {name for name in pairs if row.elsewhere(name)} <= row.flags
        assert len([name for name in pairs if row.elsewhere(name)]) > 3


@pytest.mark.parametrize("engine", NAMES)
def test_address_port_and_name_are_always_said(engine: str) -> None:
    told = launch(engine, one_card())
    line, pairs = (
        list(arguments(engine_of(engine), told)),
        environment(engine_of(engine), told),
    )
    said = " ".join([*line, *pairs.values()])
    assert "0.0.0.0" in said
    assert "8080" in said
    # the others answer to any name, and the gateway asks by its own
    nameless = {"tgi", "lorax", "speaches", "comfyui", "ollama", "text-generation-webui"}
    names = {"--alias", "--served-model-name"} & set(line)
    assert value(line, names.pop()) == "chat" if engine not in nameless else not names


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


def test_an_encoder_gets_a_batch_for_its_longest_input() -> None:
    usual = launch("llama.cpp", context=8192, task="embedding")
    size = replace(usual.placed.report, kv_bytes_per_token=None, max_context=8192)
    encoder = usual._replace(placed=replace(usual.placed, report=size))
    line = list(arguments(engine_of("llama.cpp"), encoder))
    assert value(line, "--ubatch-size") == value(line, "--batch-size") == "8192"
    assert "--ubatch-size" not in arguments(engine_of("llama.cpp"), usual)


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


def test_an_option_of_another_version_is_refused_with_the_versions_that_have_it() -> None:
    extra = ["--rope-scaling", "{}", "--task=embed", "--hf-overrides.a", "1", "--no-enable-lora"]
    [rope, task] = check_arguments(engine_of("vllm"), launch("vllm", one_card(), extra_args=extra))
    assert (rope.where, rope.severity) == ("models.chat.extra_args[0]", Severity.ERROR)
    assert rope.summary == "vllm 0.33.0 has no --rope-scaling"
    assert rope.detail == "it is an option of vllm 0.8.5.post1 to 0.10.2"
    assert rope.advice is not None
    assert rope.advice.startswith("write --hf-overrides")
    assert task.advice is not None
    assert task.advice.startswith("write --runner")


def test_an_option_that_came_later_is_refused_by_its_older_name() -> None:
    told = launch("vllm", one_card(), version="0.9.2", extra_args=["--runner", "pooling"])
    [found] = check_arguments(engine_of("vllm"), told)
    assert found.detail == "it is an option of vllm 0.10.2 to 0.33.0"
    assert found.advice is not None
    assert found.advice.startswith("write --task")


def test_an_option_that_no_version_has_is_a_warning() -> None:
    told = launch("vllm", one_card(), extra_args=["--my-own", "-1"])
    [found] = check_arguments(engine_of("vllm"), told)
    assert (found.severity, found.where) == (Severity.WARNING, "models.chat.extra_args[0]")


def test_a_version_without_a_row_of_its_own_is_only_warned() -> None:
    told = launch("vllm", one_card(), version="0.33.7", extra_args=["--task", "embed"])
    [found] = check_arguments(engine_of("vllm"), told)
    assert found.severity is Severity.WARNING


def test_what_is_told_by_variables_takes_no_arguments() -> None:
    told = launch("ollama", extra_args=["--verbose"])
    [found] = check_arguments(engine_of("ollama"), told)
    assert found.summary == "ollama takes no arguments"


@pytest.mark.parametrize(
    ("engine", "spec", "where"),
    [
        ("vllm", {"cpu_moe": 4}, "models.chat.cpu_moe"),
        ("sglang", {"gpu_layers": 4}, "models.chat.gpu_layers"),
        ("tgi", {"experts_per_token": 4}, "models.chat.experts_per_token"),
        ("lorax", {"kv_dtype": "fp8"}, "models.chat.kv_dtype"),
        ("ollama", {"cpu_moe": 4}, "models.chat.cpu_moe"),
        ("ollama", {"experts_per_token": 4}, "models.chat.experts_per_token"),
        ("infinity", {"tensor_parallel": 2}, "models.chat.tensor_parallel"),
        ("vllm", {"split_mode": "row"}, "models.chat.split_mode"),
        ("vllm", {"numa": [0]}, "models.chat.numa"),
        ("llama.cpp", {"kv_dtype": "fp8"}, "models.chat.kv_dtype"),
        ("llama.cpp", {"experts_per_token": 4}, "models.chat.experts_per_token"),
    ],
)
def test_what_an_engine_cannot_do_is_said(engine: str, spec: dict[str, object], where: str) -> None:
    found = check_arguments(engine_of(engine), launch(engine, one_card(), **spec))
    assert where in [item.where for item in found if item.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (r"blk\.(1=CPU", "override_tensor looks for no regular expression"),
        ("exps=CUDA1", "there is no CUDA1 for override_tensor"),
        ("exps=cpu", "there is no cpu for override_tensor"),
        (r"blk\.\d{1,2}\.=CPU", "a comma in override_tensor ends the rule"),
    ],
)
@pytest.mark.parametrize("engine", ["llama.cpp", "ik_llama.cpp"])
def test_rules_that_the_server_ends_at_are_refused(engine: str, rule: str, said: str) -> None:
    asked = launch(engine, one_card(), override_tensor=["exps=CPU", rule])
    faults = [i for i in check_arguments(engine_of(engine), asked) if i.severity is Severity.ERROR]
    assert [(item.where, item.summary) for item in faults] == [
        ("models.chat.override_tensor", said)
    ]


def test_rules_name_cards_of_the_model() -> None:
    rules = ["exps=CPU", "attn=CUDA1", "blk.0=CUDA0"]
    asked = launch("llama.cpp", two_cards(), override_tensor=rules)
    assert check_arguments(engine_of("llama.cpp"), asked) == ()


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
