"""What sizing takes and gives: a request for one replica, and a report made of terms.

Every figure is a term with its formula and source; nothing here computes. Bytes are per device
unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.diagnostics import Diagnostic
from planner.sizing.architecture import Architecture
from planner.sizing.gguf import GgufWeights
from planner.sizing.measured import Lesson


@dataclass(frozen=True, slots=True)
class Accelerator:
    """What sizing needs of one device. None is unknown.

    ``memory_bytes`` is what the driver reports; ``engine_bytes`` what the engine's runtime sees of
    it (None: estimated). ``bandwidth`` is bytes per second, ``flops`` dense 16-bit operations per
    second (``fp16_accumulate_flops`` where a card is faster with 16-bit accumulation). ``unified``
    memory is shared with the CPU.
    """

    name: str
    memory_bytes: int | None = None
    engine_bytes: int | None = None
    bandwidth: int | None = None
    flops: int | None = None
    vendor: str = ""
    architecture: str = ""
    unified: bool = False
    nvlink: bool = False
    fp16_accumulate_flops: int | None = None
    pcie_generation: int | None = None


@dataclass(frozen=True, slots=True)
class Processor:
    """What sizing needs of a CPU platform: bytes per second of all channels, and cores."""

    name: str
    bandwidth: int | None = None
    cores: int | None = None
    sockets: int = 1


@dataclass(frozen=True, slots=True)
class Draft:
    """A smaller model that guesses tokens for the large one."""

    model: str
    architecture: Architecture
    quant: str | None = None
    gguf: GgufWeights | None = None


@dataclass(frozen=True, slots=True)
class SizeRequest:
    """One replica to be sized. Whatever is None takes the engine's own default.

    ``quant`` and ``kv_dtype`` are as people write them (``kv_dtype`` may be ``q8_0,f16`` for K and
    V). ``context`` is the longest sequence, ``parallel`` the sequences at once, ``batch`` tokens
    per step, ``ubatch`` llama.cpp's physical batch, ``depth`` tokens already in the context for
    the speed figures. ``cpu_moe`` is the number of layers whose experts stay in RAM,
    ``override_tensor`` llama.cpp's rules ``pattern=buffer``, ``gpu_layers`` counts layers + 1,
    ``unified`` says whether llama.cpp's slots share one cache (None: they do where ``parallel`` is
    not given), ``swa_full`` that sliding layers keep every cell. ``mla`` is ik_llama.cpp's mode of
    a latent cache, ``attention_batch`` its ``-amb`` in MiB (0: no limit). ``gguf`` holds exact
    tensor bytes read from a file's header, ``checkpoint_bytes`` those of safetensors headers.

    ``expert_parallel`` puts whole experts on each rank, ``draft`` guesses ``draft_tokens`` at a
    time (llama.cpp: without a ``draft`` the model's own MTP head does), ``images`` loads
    llama.cpp's image encoder, ``prompt_cache_bytes`` is RAM for its saved prompts.
    """

    model: str
    architecture: Architecture
    engine: str
    engine_version: str | None = None
    devices: tuple[Accelerator, ...] = ()
    cpu: Processor | None = None
    host_memory_bytes: int | None = None
    quant: str | None = None
    kv_dtype: str | None = None
    context: int | None = None
    parallel: int | None = None
    batch: int | None = None
    ubatch: int | None = None
    tp: int | None = None
    pp: int | None = None
    gpu_memory_utilization: float | None = None
    adapters: int | None = None
    adapter_rank: int | None = None
    eager: bool = False
    gpu_layers: int | None = None
    cpu_moe: int | None = None
    override_tensor: tuple[str, ...] = ()
    flash_attention: bool | None = None
    unified: bool | None = None
    swa_full: bool = False
    mla: int | None = None
    attention_batch: int | None = None
    threads: int | None = None
    depth: int | None = None
    experts_per_token: int | None = None
    gguf: GgufWeights | None = None
    checkpoint_bytes: int | None = None
    expert_parallel: bool = False
    draft: Draft | None = None
    draft_tokens: int | None = None
    images: bool = False
    prompt_cache_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """One share of memory. ``why`` is the formula with its numbers, ``source`` where it is from."""

    name: str
    bytes: int
    why: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class DeviceSize:
    """One device of a replica: what the driver reports, what the terms take, what is left."""

    device: str
    index: int
    total_bytes: int
    terms: tuple[Term, ...]

    @property
    def used_bytes(self) -> int:
        """Sum of the terms."""
        return sum(term.bytes for term in self.terms)

    @property
    def free_bytes(self) -> int:
        """What no term takes; negative when the replica does not fit."""
        return self.total_bytes - self.used_bytes


@dataclass(frozen=True, slots=True)
class HostSize:
    """What a replica takes of its host's RAM."""

    terms: tuple[Term, ...] = ()

    @property
    def used_bytes(self) -> int:
        """Sum of the terms."""
        return sum(term.bytes for term in self.terms)


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second as a band: what a badly tuned, a usual and a well tuned engine reach."""

    low: float
    expected: float
    high: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Seconds from a start with nothing in memory to the first answer: at best, at worst."""

    low: float
    high: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class SizeReport:
    """The answer for one replica.

    ``kv_bytes_per_token`` is for the whole model before it is divided over devices;
    ``kv_capacity_tokens`` is what the pool holds; ``max_context`` the longest single sequence.
    Unknown is None, never 0. ``lesson`` says which terms were measured instead of computed,
    ``trained_context`` how long a sequence the model's config allows.
    """

    model: str
    engine: str
    fits: bool
    devices: tuple[DeviceSize, ...]
    host: HostSize
    kv_bytes_per_token: int | None
    kv_capacity_tokens: int | None
    max_context: int | None
    decode: Speed | None
    prefill: Speed | None
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    share: float | None = None
    lesson: Lesson | None = None
    trained_context: int | None = None
    cold: ColdStart | None = None
