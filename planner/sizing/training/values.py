"""What sizing a training run takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from planner.diagnostics import Diagnostic
from planner.sizing.architecture import Architecture
from planner.sizing.values import Accelerator, DeviceSize


class Method(StrEnum):
    """How the frozen base lies in memory: in 16 bit, or in bitsandbytes' 4 bit."""

    LORA = "lora"
    QLORA = "qlora"


class Targets(StrEnum):
    """Which linears get an adapter: attention, every plain linear, or routed experts too."""

    ATTENTION = "attention"
    LINEAR = "linear"
    EXPERTS = "experts"


class Optimizer(StrEnum):
    """What Adam keeps for each trained parameter, its weight and gradient included."""

    FP32 = "adam-fp32"
    BF16 = "adam-bf16"
    EIGHT_BIT = "adam-8bit"


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """One adapter to be trained on ``devices``.

    ``batch`` sequences of ``sequence`` tokens lie on each device at once. ``fused_loss`` says
    whether the loss is computed in chunks of tokens (None: for QLoRA only). ``sharded`` spreads the
    base over the devices instead of copying it to each. The corpus is ``pages`` of
    ``tokens_per_page``, read ``epochs`` times; no pages means no hours.
    """

    model: str
    architecture: Architecture
    method: Method
    devices: tuple[Accelerator, ...]
    rank: int = 16
    targets: Targets = Targets.LINEAR
    optimizer: Optimizer = Optimizer.FP32
    batch: int = 1
    sequence: int = 2048
    fused_loss: bool | None = None
    sharded: bool = False
    pages: int | None = None
    tokens_per_page: int = 500
    epochs: int = 1

    @property
    def fuses_loss(self) -> bool:
        """Whether the loss is computed in chunks."""
        return self.method is Method.QLORA if self.fused_loss is None else self.fused_loss


@dataclass(frozen=True, slots=True)
class Hours:
    """How long a run takes: badly tuned (``high`` hours), as usual, and well tuned."""

    low: float
    expected: float
    high: float
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class TrainReport:
    """The answer. ``adapter_bytes`` is the file that comes out, in 16 bit; unknown is None."""

    model: str
    method: Method
    fits: bool
    devices: tuple[DeviceSize, ...]
    trained_parameters: int
    adapter_bytes: int
    tokens: int | None
    hours: Hours | None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def need_bytes(self) -> int:
        """What the fullest device must have."""
        return max((device.used_bytes for device in self.devices), default=0)
