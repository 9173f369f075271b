"""Where a model's adapters live between requests: engine settings, bytes of each tier, and delays.

vLLM and SGLang copy an adapter from RAM into a slot on the device, and load it from disk before
that; llama.cpp holds every adapter beside its base from the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from planner.blueprint.schema import Tier
from planner.diagnostics import Diagnostic, error, note, warning
from planner.farm import FarmAdapter, FarmModel
from planner.sizing.adapters import RANKS, adapter_bytes, adapter_rank
from planner.sizing.engines_memory.groups import BESIDE, SLOTS, SLOTS_OF_RANKS
from planner.sizing.values import SizeRequest, Term
from planner.units import gib, round_up

_ASSUMED_RANK: Final = 16
# usable bytes per second of 16 lanes, by generation: eight tenths of the raw rate
_PCIE: Final = {3: 12_600_000_000, 4: 25_200_000_000, 5: 50_400_000_000}
_PCIE_UNKNOWN: Final = 12_600_000_000
_PAGEABLE: Final = 4  # eight lanes and memory that is not pinned: a quarter of it
_NVME: Final = 3_000_000_000
_SATA: Final = 500_000_000
_COPIES: Final = 8


class EngineSetting(NamedTuple):
    """One setting an engine needs, by its own name, and why."""

    name: str
    value: str
    why: str


class Switch(NamedTuple):
    """Seconds until an adapter that is not on the device answers: at best, at worst."""

    adapter: str
    tier: Tier
    low: float
    high: float
    why: str


def resident(model: FarmModel) -> tuple[FarmAdapter, ...]:
    """Adapters that are in RAM or on the device all the time."""
    return tuple(item for item in model.adapters if item.tier is not Tier.DISK)


def cpu_slots(model: FarmModel) -> int:
    """Adapters in RAM at once: those of the device keep a copy there, and one passes through."""
    waiting = any(item.tier is Tier.DISK for item in model.adapters)
    return max(len(resident(model)) + waiting, model.adapter_slots)


def served_rank(model: FarmModel) -> int:
    """The rank that slots are made for. vLLM rounds it up to one that its kernels know.

    Raises ValueError above the largest.
    """
    rank = model.adapter_rank or _ASSUMED_RANK
    return adapter_rank(rank) if model.engine in SLOTS_OF_RANKS else rank


def engine_settings(model: FarmModel) -> tuple[EngineSetting, ...]:
    """The tiers as values of the engine's own settings; none without adapters.

    Raises ValueError for a rank above the largest.
    """
    if not model.adapters:
        return ()
    if model.engine in SLOTS_OF_RANKS:
        return tuple(_vllm(model))
    if model.engine in SLOTS:
        return tuple(_sglang(model))
    if model.engine in BESIDE:
        names = ",".join(item.name for item in model.adapters)
        return (
            EngineSetting(
                "lora-scaled",
                names,
                "every adapter is loaded at start, beside its base, "
                "at scale 0: a request names the one it wants",
            ),
        )
    return ()


def _vllm(model: FarmModel) -> Iterator[EngineSetting]:
    rank = served_rank(model)
    rounded = "" if rank == model.adapter_rank else f", rounded up from {model.adapter_rank}"
    yield EngineSetting("enable_lora", "true", "it carries adapters")
    yield EngineSetting("max_loras", str(model.adapter_slots), "slots on the device: tier vram")
    yield EngineSetting("max_lora_rank", str(rank), f"the largest rank{rounded}")
    yield _copies(model)
    names = ",".join(item.name for item in model.adapters)
    late = ", ".join(item.name for item in model.adapters if item.tier is Tier.DISK)
    again = f"; {late} from disk again when pushed out of RAM" if late else ""
    yield EngineSetting("lora_modules", names, f"named at start{again}")


def _copies(model: FarmModel) -> EngineSetting:
    """Copies in RAM. Where nothing is to be pushed out, there is room for names to come: the limit
    takes no memory by itself, and another limit would be another start."""
    slots = cpu_slots(model)
    if any(item.tier is Tier.DISK for item in model.adapters):
        return EngineSetting("max_cpu_loras", str(slots), "copies in RAM: tiers vram and ram")
    room = round_up(slots, _COPIES)
    return EngineSetting("max_cpu_loras", str(room), f"copies in RAM: {slots}, and room for more")


def _sglang(model: FarmModel) -> Iterator[EngineSetting]:
    yield EngineSetting("max_loras_per_batch", str(model.adapter_slots), "slots on the device")
    yield EngineSetting("max_lora_rank", str(served_rank(model)), "the largest rank")
    yield EngineSetting("max_loaded_loras", str(cpu_slots(model)), "copies in RAM")
    names = ",".join(item.name for item in resident(model))
    if names:
        yield EngineSetting("lora_paths", names, "loaded at start")


def copy_bytes(request: SizeRequest, rank: int) -> int:
    """One adapter of that rank in 16 bit, whole, as it lies in RAM or in a file."""
    return adapter_bytes(request.architecture, rank)


def adapter_copy(adapter: FarmAdapter, request: SizeRequest) -> int:
    """A copy of this adapter in RAM: its file's size, else every linear at its rank."""
    return adapter.bytes or copy_bytes(request, adapter.rank or _ASSUMED_RANK)


def host_terms(model: FarmModel, request: SizeRequest, on_devices: int = 0) -> tuple[Term, ...]:
    """RAM that adapters take on the host beside the ``on_devices`` bytes they take there.

    Engines with slots keep copies, each worker its own; llama.cpp holds in RAM what adapts layers
    that lie there.
    """
    if not model.adapters:
        return ()
    if model.engine in BESIDE:
        rank = model.adapter_rank or _ASSUMED_RANK
        rest = model.adapter_slots * copy_bytes(request, rank) - on_devices
        why = f"{model.adapter_slots} adapters of rank {rank}, beside the layers in RAM"
        return (Term("adapters", rest, why, "llama.cpp src/llama-adapter.cpp"),) if rest > 0 else ()
    if model.engine not in SLOTS:
        return ()
    copies = [adapter_copy(item, request) for item in resident(model)]
    passing = [adapter_copy(item, request) for item in model.adapters if item.tier is Tier.DISK]
    if passing:
        copies.append(max(passing))
    workers = (request.tp or 1) * (request.pp or 1)
    each = f" in each of {workers} workers" if workers > 1 else ""
    why = f"{len(copies)} copies{each}: {', '.join(map(gib, copies))}; adapters whose files are "
    why += "not here count with every linear"
    size = sum(copies) * workers
    source = "vllm/lora: an LRU cache of max_cpu_loras beside the slots"
    return (Term("adapters", size, why, source),)


def switches(
    model: FarmModel, request: SizeRequest, pcie_generation: int | None
) -> tuple[Switch, ...]:
    """The delay of a request for an adapter that is not on the device, for each of them."""
    if model.engine not in SLOTS:
        return ()
    found = []
    for item in model.adapters:
        if item.tier is not Tier.VRAM:
            found.append(_switch(item, adapter_copy(item, request), pcie_generation))
    return tuple(found)


def _switch(item: FarmAdapter, size: int, generation: int | None) -> Switch:
    rate = _PCIE.get(generation or 0, _PCIE_UNKNOWN)
    low, high = size / rate, size / (rate / _PAGEABLE)
    why = (
        f"{gib(size)} over PCIe at {rate / _PAGEABLE / 1e9:.1f} to {rate / 1e9:.1f} GB/s (assumed)"
    )
    if item.tier is Tier.DISK:
        low, high = low + size / _NVME, high + size / _SATA
        why = f"{gib(size)} from disk at 0.5 to 3 GB/s (assumed), then {why}"
    return Switch(item.name, item.tier, low, high, why)


def check_tiers(model: FarmModel, *, serves: bool) -> tuple[Diagnostic, ...]:
    """What the engine makes of the tiers that were written; ``serves`` says whether it can load
    adapters at all."""
    path = ("models", model.name, "adapters")
    if not model.adapters:
        return ()
    if not serves:
        return (
            error(f"{model.engine} serves no adapters", *path,
                  advice="write engine: vllm, or take the adapters out"),
        )  # fmt: skip
    found: list[Diagnostic] = []
    if model.engine in BESIDE:
        elsewhere = [item.name for item in model.adapters if item.tier is not Tier.VRAM]
        if elsewhere:
            found.append(
                warning(f"{model.engine} keeps {', '.join(elsewhere)} beside the model", *path,
                        detail="it loads every adapter at start, where its base lies, and has no "
                        "other tier", advice="write vram, or engine: vllm")
            )  # fmt: skip
        return tuple(found)
    found += _ranks(model, path)
    on_device = sum(item.tier is Tier.VRAM for item in model.adapters)
    if 0 < on_device < len(model.adapters):
        found.append(
            note(f"an adapter from RAM or disk takes the slot of one of tier vram "
                 f"({model.adapter_slots} there)", *path,
                 detail="the one that was asked for longest ago is copied again when it is wanted")
        )  # fmt: skip
    return tuple(found)


def _ranks(model: FarmModel, path: tuple[str, ...]) -> Iterator[Diagnostic]:
    unknown = [item.name for item in model.adapters if item.rank is None]
    if unknown:
        yield note(f"the rank of {', '.join(unknown)} is not known: {_ASSUMED_RANK} is assumed",
                   *path, advice=f"write adapters.{unknown[0]}.rank: 16")  # fmt: skip
    rank = model.adapter_rank or _ASSUMED_RANK
    if rank > RANKS[-1]:
        yield error(f"rank {rank} is above {RANKS[-1]}, the largest that {model.engine} serves",
                    *path, detail="the kernels are made for ranks up to it",
                    advice="train a smaller rank, or merge the adapter into its base")  # fmt: skip
    elif served_rank(model) != rank:
        known = ", ".join(map(str, RANKS))
        yield note(f"rank {rank} takes slots of rank {served_rank(model)}", *path,
                   detail=f"vLLM's kernels know the ranks {known}")  # fmt: skip
