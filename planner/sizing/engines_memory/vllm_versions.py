"""How vLLM's memory accounting changed, version by version, as data with its evidence.

Every figure is read off engine logs; ``source`` names where. The rows are ordered: the last one
whose version is not above the asked one counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planner.units import GIB

# what planner installs where a blueprint names no version; a test holds the two together
LATEST: Final = "0.33.0"


@dataclass(frozen=True, slots=True)
class Era:
    """Constants of vLLM from ``since`` on.

    ``sampler_bytes`` is per logit at the profiled number of sequences; ``hidden_copies`` hidden
    states alive beside them. ``non_torch`` is CUDA context and library memory per rank for one
    rank, ``non_torch_tp`` with NCCL and custom all-reduce, ``non_torch_symmetric`` on cards whose
    ranks map each other's memory (Hopper and server Blackwell over NVLink). ``graphs`` is captured
    graphs per rank, taken out of the budget only if ``graphs_in_budget``. ``moe_workspace`` says
    that expert workspaces stay allocated beside the sampler's. ``adapter_vocabulary`` says that
    LoRA reserves room for extra vocabulary.
    """

    since: tuple[int, int]
    sampler_bytes: float
    non_torch: int
    non_torch_tp: int
    non_torch_symmetric: int
    graphs: int
    graphs_in_budget: bool
    utilization: float
    moe_workspace: bool
    expert_adapters: bool
    adapter_vocabulary: bool
    profiles_whole_prompt: bool
    hybrid_manager: bool
    source: str


def _gib(value: float) -> int:
    return int(value * GIB)


ERAS: Final = (
    Era(
        (0, 0), 39.0, _gib(0.05), _gib(0.45), _gib(0.45), _gib(0.9), False, 0.90, False,
        False, True, True, False,
        "vLLM V0 logs (0.5 to 0.7): one prompt of max_model_len is profiled",
    ),
    Era(
        (0, 8), 39.0, _gib(0.05), _gib(0.55), _gib(0.55), _gib(0.9), False, 0.90, False,
        False, True, False, False,
        "vLLM 0.8 to 0.10 logs: Unsloth notebooks, issue 16141",
    ),
    Era(
        (0, 11), 38.4, _gib(0.13), _gib(0.55), _gib(0.55), _gib(0.9), False, 0.90, False,
        True, True, False, True,
        "vLLM 0.11 to 0.16 logs: llm-d-benchmark empirical memory table",
    ),
    Era(
        (0, 17), 14.9, _gib(0.13), _gib(0.55), _gib(2.1), _gib(1.04), False, 0.90, True,
        True, False, False, True,
        "llm-d-planner accuracy report, version table (0.17 halves the profile peak)",
    ),
    Era(
        (0, 18), 14.9, _gib(0.25), _gib(0.55), _gib(2.1), _gib(1.04), False, 0.90, True,
        True, False, False, True,
        "llm-d-planner accuracy report and logs of 0.18 and 0.19",
    ),
    Era(
        (0, 21), 14.9, _gib(0.25), _gib(0.55), _gib(2.1), _gib(0.6), True, 0.92, True,
        True, False, False, True,
        "vLLM pull 30515 (graphs are estimated inside the budget), current serve defaults",
    ),
)  # fmt: skip


def era_of(version: tuple[int, int]) -> Era:
    """The row that describes this version."""
    return next(era for era in reversed(ERAS) if era.since <= version)
