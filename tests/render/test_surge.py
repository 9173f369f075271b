"""What a host has for a second replica beside the first."""

from __future__ import annotations

from planner.render.bundle import RAM
from planner.render.surge import memory_for
from planner.room import rooms
from planner.units import GIB
from tests.placement.builders import host


def ram(vm: int | None, inner: int | None) -> dict[str, int | None]:
    """What each host has, in GiB: a box, a VM within it, and a VM within that one."""
    hosts = (
        host("box", ram=64 * GIB),
        host("vm", ram=vm and vm * GIB, within="box"),
        host("inner", ram=inner and inner * GIB, within="vm"),
    )
    found, _ = rooms(hosts)
    memory = {item.name: dict(memory_for(item, found)).get(RAM) for item in hosts}
    return {name: size if size is None else size // GIB for name, size in memory.items()}


def test_vms_hold_their_memory_however_deep_they_lie() -> None:
    assert ram(48, 16) == {"box": 16, "vm": 32, "inner": 16}
    assert ram(None, 16) == {"box": 0, "vm": None, "inner": 16}  # vm may take all that box has
    assert ram(48, None) == {"box": 16, "vm": 0, "inner": None}
    assert ram(None, None) == {"box": 0, "vm": None, "inner": None}
