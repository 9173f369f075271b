"""What engines log, in the formats of their versions, read back as bytes."""

from __future__ import annotations

import re

import pytest

from planner.sizing.logs import READERS
from planner.sizing.measured import Measured, Share
from planner.units import GIB, MIB

# a CPU server of 2026 at --log-verbosity 4, build 11669, tiny model
LLAMA_2026 = """\
0.00.068.554 I srv    load_model: loading model '/tiny.gguf'
0.00.076.250 I load_tensors:   CPU_Mapped model buffer size =     0.58 MiB
0.00.076.366 I llama_context: constructing llama_context
0.00.076.367 I llama_context: n_ctx                 = 2048
0.00.076.368 I llama_context: n_ctx_seq             = 512
0.00.076.375 I llama_context:        CPU  output buffer size =     0.25 MiB
0.00.076.401 I llama_kv_cache:        CPU KV buffer size =     1.00 MiB
0.00.077.819 I sched_reserve:        CPU compute buffer size =     3.50 MiB
"""
# two cards, sliding windows, recurrent state, the graph reserved twice, then a draft model
LLAMA_CARDS = """\
build: 7830 (abcdef) with GNU 13.3.0 for Linux x86_64
load_tensors:   CPU_Mapped model buffer size =   315.30 MiB
load_tensors:        CUDA0 model buffer size = 17000.00 MiB
load_tensors:        CUDA1 model buffer size = 16000.50 MiB
llama_context: constructing llama_context
llama_context: n_ctx         = 131072
llama_kv_cache:      CUDA0 KV buffer size =  3072.00 MiB
llama_kv_cache:      CUDA0 KV buffer size =    18.00 MiB
llama_memory_recurrent:      CUDA1 RS buffer size =   149.62 MiB
llama_context:      CUDA0 compute buffer size =   560.00 MiB
llama_context:      CUDA0 compute buffer size =   456.98 MiB
llama_context:  CUDA_Host compute buffer size =   263.15 MiB
load_tensors:        CUDA0 model buffer size =   500.00 MiB
llama_context: constructing llama_context
llama_context: n_ctx         = 4096
llama_context:      CUDA0 compute buffer size =   100.00 MiB
"""
IK = """\
llm_load_tensors:        CPU buffer size =   630.59 MiB
llm_load_tensors:      CUDA0 buffer size =  2742.20 MiB
llama_new_context_with_model: n_ctx      = 65536
llama_kv_cache_init:      CUDA0 KV buffer size =  3196.02 MiB
llama_new_context_with_model:      CUDA0 compute buffer size =  2432.02 MiB
"""
VLLM_V0 = """\
INFO 04-02 10:00:01 [model_runner.py:1146] Model loading took 8.6253 GB and 12.5 seconds
INFO 04-02 10:00:09 [worker.py:267] model weights take 8.63GiB; non_torch_memory takes 0.09GiB; \
PyTorch activation peak memory takes 1.16GiB; the rest of the memory reserved for KV Cache is \
45.21GiB.
INFO 04-02 10:00:09 [executor_base.py:111] # cuda blocks: 14815, # CPU blocks: 1310
INFO 04-02 10:00:09 [executor_base.py:116] Maximum concurrency for 512 tokens per request: 462.97x
"""
VLLM_V1 = """\
INFO [core.py:75] Initializing a V1 LLM engine (v0.10.2) with config: model='m', max_seq_len=2048,
INFO [gpu_model_runner.py:1] Model loading took 8.9638 GiB and 30.1 seconds
INFO [gpu_worker.py:298] Available KV cache memory: 8.98 GiB
INFO [kv_cache_utils.py:864] GPU KV cache size: 65,376 tokens
INFO [gpu_model_runner.py:2] Graph capturing finished in 9 secs, took 1.12 GiB
INFO [gpu_worker.py:391] Free memory on device (21.9/22.16 GiB) on startup. Desired GPU memory \
utilization is (0.87, 19.2 GiB). Actual usage is 8.96 GiB for weight, 1.23 GiB for peak \
activation, 0.02 GiB for non-torch memory, and 1.12 GiB for CUDAGraph memory.
"""
VLLM_RANKS = """\
(APIServer pid=7) INFO [utils.py:1] vLLM API server version 0.28.0
(Worker_TP1 pid=12) INFO [model_runner.py:329] Model loading took 33.88 GiB memory and 9.1 seconds
(Worker_TP0 pid=11) INFO [model_runner.py:329] Model loading took 33.90 GiB memory and 9.0 seconds
(Worker_TP0 pid=11) INFO [gpu_worker.py:563] Available KV cache memory: 37.28 GiB
(Worker_TP1 pid=12) INFO [gpu_worker.py:563] Available KV cache memory: 37.30 GiB
(EngineCore pid=9) INFO [kv_cache_utils.py:2235] GPU KV cache size: 244,320 tokens
(EngineCore pid=9) INFO [kv_cache_utils.py:2235] GPU KV cache size: 244,200 tokens
(Worker_TP0 pid=11) INFO [gpu_worker.py:789] Actual usage is 36.0 GiB for consumed memory \
(weights + non-torch), 1.96 GiB for peak activation, and 0.5 GiB for CUDAGraph memory.
"""
SGLANG = """\
[2025-03-08 12:29:21 TP1] Load weight end. type=M, avail mem=6.09 GB, mem usage=15.55 GB.
[2025-03-08 12:29:21 TP0] Load weight end. elapsed=3.1 s, type=M, avail mem=6 GB, mem usage=15.54 GB
[2025-03-08 12:29:21 TP0] KV Cache is allocated. #tokens: 46611, K size: 1.42 GB, V size: 1.42 GB
[2025-03-08 12:29:21 TP1] KV Cache is allocated. #tokens: 46611, K size: 1.42 GB, V size: 1.42 GB
[2025-03-08 12:30:02 TP0] Capture cuda graph end. Time elapsed: 9 s. mem usage=2.51 GB. avail=1 GB
[2025-03-08 12:30:03 TP0] max_total_num_tokens=46611, chunked_prefill_size=2048, context_len=40960
"""


def gib(number: float) -> int:
    return round(number * GIB)


def mib(number: float) -> int:
    return round(number * MIB)


def test_a_llama_server_on_a_cpu() -> None:
    expected = Share(mib(0.58), mib(1.0), mib(3.75))
    assert READERS["llama.cpp"].read(LLAMA_2026) == Measured((), expected, 2048, 2048)


def test_a_llama_server_on_cards() -> None:
    seen = READERS["llama.cpp"].read(LLAMA_CARDS)
    assert seen.devices == (
        Share(mib(17500), mib(3090), mib(556.98)),  # the second reservation, and the draft's own
        Share(mib(16000.5), mib(149.62), None),
    )
    assert seen.host == Share(mib(315.3), None, mib(263.15))
    assert (seen.kv_tokens, seen.version) == (131072, "7830")


def test_the_fork_names_buffers_the_old_way() -> None:
    seen = READERS["ik_llama.cpp"].read(IK)
    assert seen.devices == (Share(mib(2742.2), mib(3196.02), mib(2432.02)),)
    assert (seen.host.weights_bytes, seen.context) == (mib(630.59), 65536)


def test_vllm_before_its_first_rewrite() -> None:
    seen = READERS["vllm"].read(VLLM_V0)
    assert seen.devices == (Share(gib(8.6253), gib(45.21), gib(1.16)),)
    assert (seen.kv_tokens, seen.context) == (14815 * 16, 512)


def test_vllm_with_its_summary() -> None:
    seen = READERS["vllm"].read(VLLM_V1)
    assert seen.devices == (Share(gib(8.9638), gib(8.98), gib(1.23), gib(1.12)),)
    assert (seen.kv_tokens, seen.context, seen.version) == (65376, 2048, "0.10.2")


def test_vllm_on_two_ranks_in_any_order() -> None:
    """The poorest rank says how many tokens fit; weights with libraries are no weights."""
    seen = READERS["vllm"].read(VLLM_RANKS)
    assert seen.devices == (
        Share(gib(33.9), gib(37.28), gib(1.96), gib(0.5)),
        Share(gib(33.88), gib(37.3)),
    )
    assert (seen.kv_tokens, seen.version) == (244200, "0.28.0")


def test_a_pool_below_zero_is_unknown() -> None:
    assert READERS["vllm"].read("Available KV cache memory: -1.44 GiB").known == 0


def test_sglang_says_gb_and_means_gib() -> None:
    seen = READERS["sglang"].read(SGLANG)
    assert seen.devices == (
        Share(gib(15.54), gib(1.42) * 2, None, gib(2.51)),
        Share(gib(15.55), gib(1.42) * 2),
    )
    assert (seen.kv_tokens, seen.context) == (46611, 40960)


def test_sglang_pools_of_other_kinds() -> None:
    assert READERS["sglang"].read(
        "[d TP0] KV Cache is allocated. #tokens: 9, KV size: 17.99 GB\n"
        "[d TP0] Mamba Cache is allocated. conv_state size: 0.09GB, ssm_state size: 6.46GB"
    ).devices == (Share(None, gib(17.99) + gib(0.09) + gib(6.46)),)
    windows = READERS["sglang"].read("[d TP0] SWAKVPool mem usage: 79.94 GB, swa size: 7")
    assert windows.devices[0].kv_bytes == gib(79.94)


@pytest.mark.parametrize("engine", sorted(READERS))
@pytest.mark.parametrize("text", ["", "\n\n", "Traceback (most recent call last):", "=: GiB MiB ("])
def test_a_log_of_something_else_says_nothing(engine: str, text: str) -> None:
    assert READERS[engine].read(text) == Measured()


@pytest.mark.parametrize(
    ("engine", "log"),
    [
        ("llama.cpp", LLAMA_2026),
        ("llama.cpp", LLAMA_CARDS),
        ("ik_llama.cpp", IK),
        ("vllm", VLLM_V0),
        ("vllm", VLLM_V1),
        ("vllm", VLLM_RANKS),
        ("sglang", SGLANG),
    ],
)
def test_the_lines_that_are_asked_of_a_host_say_it_all(engine: str, log: str) -> None:
    reader = READERS[engine]
    asked = [line for line in log.splitlines() if re.search(reader.lines, line)]
    assert reader.read("\n".join(asked)) == reader.read(log)
