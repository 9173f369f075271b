"""What running engines answer, read: answers as real servers gave them, shortened."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest

from planner.engines.api import api_of
from planner.engines.api.llama_cpp import quantization
from planner.engines.api.values import Answers, Setting, Speed
from planner.engines.engine import no_settings
from planner.engines.registry import ENGINES
from tests.engines.launches import engine_of, launch, one_card
from tests.helpers.vllm_server import Vllm

# build 11669, on a CPU
PROPS = {
    "default_generation_settings": {"params": {"seed": 1}, "n_ctx": 1024},
    "total_slots": 2,
    "model_alias": "chat",
    "model_ftype": "Q4_K - Medium",
}
LORA = [{"id": 0, "path": "/m/a.gguf", "scale": 0.0}, {"id": 1, "path": "/m/b.gguf", "scale": 0.0}]
LOG = """\
0.00.140.359 I print_info: n_expert_used         = 8
0.00.149.366 I llama_context: n_ctx                 = 2048
0.00.149.417 I llama_context: freq_scale            = 0.25
0.00.149.713 I llama_kv_cache: size =    0.27 MiB (  1024 cells,   2 layers,  2/1 seqs), \
K (q8_0):    0.13 MiB, V (f16):    0.13 MiB
0.01.000.000 I load_tensors: offloaded 49/49 layers to GPU
"""
LLAMA_METRICS = """\
# TYPE llamacpp:tokens_predicted_total counter
llamacpp:prompt_tokens_total 25
llamacpp:prompt_seconds_total 0.5
llamacpp:tokens_predicted_total 40
llamacpp:tokens_predicted_seconds_total 4
"""


def read(engine: str, answers: Answers) -> dict[str, str]:
    api = api_of(engine)
    assert api is not None
    return dict(api.read(answers))


def speed(engine: str, text: str) -> Speed:
    api = api_of(engine)
    assert api is not None
    return api.speed(text)


def test_llama_cpp_tells_everything() -> None:
    said = read("llama.cpp", Answers({"/props": PROPS, "/lora-adapters": LORA}, LOG))
    assert said == {
        "context": "1024",
        "parallel": "2",
        "name": "chat",
        "quantization": "Q4_K_M",
        "adapters": "/m/a.gguf,/m/b.gguf",
        "experts": "8",
        "pool": "2048",
        "yarn": "4",
        "kv_dtype": "q8_0,f16",
        "gpu_layers": "all",
    }


def test_llama_cpp_without_a_gpu_takes_no_layer_there() -> None:
    log = "warning: no usable GPU found, --gpu-layers option will be ignored\n"
    assert read("llama.cpp", Answers({}, log)) == {"gpu_layers": "0"}


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Q4_K - Medium", "Q4_K_M"),
        ("Q3_K - Small", "Q3_K_S"),
        ("Q6_K", "Q6_K"),
        ("all F32", "F32"),
        ("BF16", "BF16"),
        ("(guessed) all F32", None),
        ("", None),
    ],
)
def test_file_types_as_people_write_them(said: str, name: str | None) -> None:
    assert quantization(said) == name


def test_vllm_tells_its_adapters_context_and_cache() -> None:
    server = Vllm("chat", 4096, {"calm": "/a/1"}, cache="fp8", exists=False)
    bodies = {path: server.answer(path)[1] for path in ("/v1/models", "/metrics")}
    log = (
        "Initializing a V1 LLM engine (v0.33.0) with config: model='/m', max_seq_len=4096, "
        "tensor_parallel_size=2, pipeline_parallel_size=1, quantization=fp8, kv_cache_dtype=fp8"
    )
    assert read("vllm", Answers(bodies, log)) == {
        "name": "chat",
        "context": "4096",
        "adapter calm": "/a/1",
        "tensor_parallel": "2",
        "pipeline_parallel": "1",
        "quantization": "fp8",
        "kv_dtype": "fp8",
        "memory": "0.9",
    }


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ("{'num_experts_per_tok': 12}", {"experts": "12"}),
        (
            "{'text_config': {'top_k_experts': 12, 'rope_parameters': {'rope_type': 'yarn', "
            "'factor': 4.0, 'original_max_position_embeddings': 32768}}}",
            {"experts": "12", "yarn": "4"},
        ),
        ("{'rope_scaling': {'factor': 2.5, 'rope_type': 'yarn'}}", {"yarn": "2.5"}),
        ("{'other': {'factor': 2.5}}", {}),
    ],
)
def test_vllm_and_sglang_tell_what_they_read_instead(overrides: str, said: dict[str, str]) -> None:
    line = f"non-default args: {{'model': '/m', 'hf_overrides': {overrides}, 'seed': 1}}"
    assert read("vllm", Answers({}, f"INFO 08-23 [api_utils.py:273] {line}\n")) == said
    info = {"json_model_override_args": overrides.replace("'", '"')}
    assert read("sglang", Answers({"/server_info": info})) == said


def test_sglang_tells_its_settings() -> None:
    models = {
        "data": [
            {"id": "chat", "root": "chat", "max_model_len": 4096},
            {"id": "calm", "root": "/a/1", "parent": "chat", "max_model_len": None},
        ]
    }
    info = {"tp_size": 2, "kv_cache_dtype": "fp8_e4m3", "quantization": None}
    said = read("sglang", Answers({"/v1/models": models, "/server_info": info}))
    assert said == {
        "name": "chat",
        "context": "4096",
        "adapter calm": "/a/1",
        "tensor_parallel": "2",
        "kv_dtype": "fp8_e4m3",
    }


def test_speeds_are_averages_of_what_was_asked() -> None:
    assert speed("llama.cpp", LLAMA_METRICS) == Speed(10, 50)
    metrics = Vllm("chat", 4096, {}).answer("/metrics")[1]
    assert speed("vllm", metrics) == Speed(110, 250)
    assert speed("llama.cpp", LLAMA_METRICS.replace(" 4\n", " 0\n")).decode is None
    assert speed("vllm", "") == Speed()


@pytest.mark.parametrize("engine", [engine.name for engine in ENGINES])
@pytest.mark.parametrize("body", [None, [], {}, "text", {"data": 3}, {"data": [1]}, 7])
def test_nonsense_tells_nothing(engine: str, body: Any) -> None:
    api = api_of(engine)
    if api is None:  # then it must not promise anything that nobody asks
        assert engine_of(engine).settings is no_settings
        return
    assert api.read(Answers(dict.fromkeys(api.paths, body), "noise")) in (
        {},
        {"adapters": ""},
    )


def test_numbers_are_compared_as_numbers() -> None:
    assert Setting("memory", "0.90").holds("0.9")
    assert Setting("context", "4096", least=True).holds("8192")
    assert not Setting("context", "4096", least=True).holds("1024")
    assert not Setting("parallel", "4").holds("8")
    assert not Setting("kv_dtype", "fp8").holds("auto")


def test_what_is_asked_follows_the_blueprint() -> None:
    told = launch("llama.cpp", one_card(), kv_dtype="q8_0", parallel=2, quant="Q4_K_M",
                  fields={"context": 4096})  # fmt: skip
    told = told._replace(adapters=(("a", "/m/a.gguf"), ("b", "/m/b.gguf")))
    asked = {item.name: item.value for item in engine_of("llama.cpp").settings(told)}
    assert asked == {
        "name": "chat",
        "context": "4096",
        "pool": "4096",
        "parallel": "2",
        "kv_dtype": "q8_0,q8_0",
        "gpu_layers": "all",
        "quantization": "Q4_K_M",
        "adapters": "/m/a.gguf,/m/b.gguf",
    }


def test_what_the_owner_may_have_set_himself_is_asked_only_where_he_also_wrote_it() -> None:
    own = {"extra_args": ["--ctx-size", "512"]}
    chosen = launch("llama.cpp", context=None, fields={"context": 4096}, **own)
    assert [item.name for item in engine_of("llama.cpp").settings(chosen)] == ["name"]
    written = launch("llama.cpp", context="4k", fields={"context": 4096}, **own)
    (context,) = (i for i in engine_of("llama.cpp").settings(written) if i.name == "context")
    assert (context.value, context.key) == ("4096", "models.chat.context")


@pytest.mark.parametrize("engine", [engine.name for engine in ENGINES])
def test_every_setting_that_is_asked_has_a_reader(engine: str) -> None:
    """A name that nobody reads would never be proven, and never fail."""
    spec = {"kv_dtype": "q8_0" if "llama" in engine or engine == "ollama" else "fp8"}
    told = launch(engine, one_card(), context="4k", parallel=2, quant="fp8",
                  fields={"context": 4096}, **spec)  # fmt: skip
    module = engine.replace("-", "_").replace(".", "_")
    source = inspect.getsource(import_module(f"planner.engines.api.{module}"))
    asked = engine_of(engine).settings(told)
    assert asked, "nothing of it is ever proven"
    for setting in asked:
        assert f'"{setting.name}"' in source, setting.name


OLLAMA = {
    "/api/tags": {"models": [{"name": "chat:latest", "details": {"quantization_level": "Q4_K_M"}}]},
    "/api/ps": {
        "models": [
            {"name": "chat:latest", "size": 1000, "size_vram": 630, "context_length": 4096,
             "details": {"quantization_level": "Q4_K_M"}}
        ]
    },
}  # fmt: skip


def test_ollama_tells_what_it_left_in_ram() -> None:
    said = read("ollama", Answers(OLLAMA))
    assert said == {
        "name": "chat", "quantization": "Q4_K_M", "context": "4096", "gpu_layers": "63%"
    }  # fmt: skip
    asked = {i.name: i for i in engine_of("ollama").settings(launch("ollama", one_card()))}
    assert not asked["gpu_layers"].holds(said["gpu_layers"])
    assert asked["name"].holds(said["name"])
    before = read("ollama", Answers({"/api/tags": OLLAMA["/api/tags"], "/api/ps": {"models": []}}))
    assert before == {"name": "chat", "quantization": "Q4_K_M"}


def test_text_generation_servers_tell_their_limits() -> None:
    info = {
        "model_id": "/models", "model_dtype": "torch.bfloat16", "max_total_tokens": 4096,
        "max_input_tokens": 4095, "max_concurrent_requests": 8,
    }  # fmt: skip
    known = {"files": "/models", "context": "4096", "parallel": "8"}
    assert read("tgi", Answers({"/info": info})) == known
    assert read("lorax", Answers({"/info": info})) == {**known, "dtype": "bfloat16"}
    took = "{0}_request_mean_time_per_token_duration"
    text = f"{took}_sum 2\n{took}_count 100\n"
    assert speed("tgi", text.format("tgi")) == Speed(50)
    assert speed("lorax", text.format("lorax")) == Speed(50)


def test_ik_llama_cpp_tells_what_its_log_says() -> None:
    log = """\
llm_load_print_meta: n_expert_used    = 8
llm_load_tensors: offloaded 30/49 layers to GPU
llama_init_from_model: n_ctx         = 8192
llama_init_from_model: freq_scale    = 0.5
llama_init_from_model: KV self size  =  204.00 MiB, K (q8_0):  102.00 MiB, V (q8_0):  102.00 MiB
"""
    props = {"total_slots": 2, "default_generation_settings": {"n_ctx": 4096}}
    assert read("ik_llama.cpp", Answers({"/props": props}, log)) == {
        "parallel": "2", "experts": "8", "pool": "8192", "yarn": "2", "kv_dtype": "q8_0,q8_0",
        "gpu_layers": "30",
    }  # fmt: skip


def test_servers_of_other_tasks_tell_what_they_loaded() -> None:
    one = {"data": [{"id": "embed", "backend": "torch", "stats": {}}]}
    assert read("infinity", Answers({"/v1/models": one})) == {"name": "embed", "backend": "torch"}
    whisper = {"data": [{"id": "Systran/faster-whisper-small", "task": "asr"}]}
    assert read("speaches", Answers({"/v1/models": whisper})) == {
        "name": "Systran/faster-whisper-small"
    }
    path = "/v1/internal/model/info"
    loaded = {"model_name": "chat.gguf", "lora_names": [], "loader": "llama.cpp"}
    assert read("text-generation-webui", Answers({path: loaded})) == {
        "files": "chat.gguf", "loader": "llama.cpp"
    }  # fmt: skip
    nothing = read("text-generation-webui", Answers({path: {**loaded, "model_name": "None"}}))
    (asked,) = (i for i in engine_of("text-generation-webui").settings(
        launch("text-generation-webui")) if i.name == "files")  # fmt: skip
    assert not asked.holds(nothing["files"])


def test_comfyui_tells_which_options_arrived() -> None:
    argv = ["main.py", "--listen", "0.0.0.0", "--reserve-vram", "3.5", "--disable-all-custom-nodes"]
    told = {"/system_stats": {"system": {"argv": argv}, "devices": []}}
    assert read("comfyui", Answers(told)) == {"custom_nodes": "off", "reserve_vram": "3.5"}
    bare = {"/system_stats": {"system": {"argv": ["main.py"]}}}
    assert read("comfyui", Answers(bare)) == {"custom_nodes": "on", "reserve_vram": "nothing"}
