"""How long a replica takes from nothing to its first answer: files from disk, and its own start."""

from __future__ import annotations

from typing import Final

from planner.sizing.architecture import Kind
from planner.sizing.engines_memory import Engine
from planner.sizing.values import ColdStart, DeviceSize, HostSize
from planner.units import gib

# bytes per second: an ordinary NVMe disk, and a SATA disk or a slow volume
_FAST: Final = 3_000_000_000
_SLOW: Final = 500_000_000
# files that are read and what comes of them in memory: networks that wait in RAM are read too
_READ: Final = ("weights", "draft", "images")


def cold_start(engine: Engine, devices: tuple[DeviceSize, ...], host: HostSize) -> ColdStart | None:
    """From the weights of all places; None where nothing is known of them.

    A second start on the same host reads from the page cache and is near the low figure. Where RAM
    holds a copy of everything (image pipelines), that is what was read.
    """
    copied = Kind.IMAGE in engine.serves
    places = () if copied else tuple(device.terms for device in devices)
    places = (*places, host.terms)
    size = sum(term.bytes for terms in places for term in terms if term.name in _READ)
    if not size:
        return None
    low, high = engine.start_seconds
    why = (
        f"{gib(size)} read at 0.5 to 3 GB/s (assumed), then {low} to {high} s of its own: "
        f"{engine.start_why}"
    )
    return ColdStart(low + size / _FAST, high + size / _SLOW, why)
