"""What a workload may take of its host's RAM, and how long it may take to answer."""

from __future__ import annotations

from typing import Final

from planner.render.replica import Replica
from planner.units import GIB, MIB, ceil_div, round_up

# Bytes per second that a slow disk still gives; the deadline for loading is counted with it.
_SLOW_DISK: Final = 100 * 10**6
# Bytes per second of an ordinary solid state disk, for saying how long loading usually takes.
_USUAL_DISK: Final = 1000 * 10**6
_LEAST_SECONDS: Final = 120
# Copies of adapters that come and go while the engine runs are counted in steps: one more must not
# change the limit.
_COPIES: Final = 4 * GIB


def memory_limit(replica: Replica) -> int:
    """Bytes of RAM the workload is held to.

    Five quarters of what sizing counted, or of the weights where it counted nothing on the host,
    plus what the engine's process takes beside that, in steps of 256 MiB (1 GiB above 8 GiB): a
    slightly better estimate must not restart anything.
    """
    used = replica.placed.report.host.used_bytes or _weight_bytes(replica)
    if replica.hot:
        terms = replica.placed.report.host.terms
        copies = sum(term.bytes for term in terms if term.name == "adapters")
        used += round_up(copies, _COPIES) - copies
    wanted = used * 5 // 4 + replica.version.ram_bytes
    return round_up(wanted, GIB if wanted > 8 * GIB else 256 * MIB)


def start_seconds(replica: Replica) -> int:
    """About how long it takes until it answers: reading the weights, and the engine's own time."""
    return replica.version.start_seconds + ceil_div(_weight_bytes(replica), _USUAL_DISK)


def deadline_seconds(replica: Replica) -> int:
    """How long to wait before calling a start failed, in whole minutes."""
    patient = 3 * replica.version.start_seconds + ceil_div(_weight_bytes(replica), _SLOW_DISK)
    return round_up(max(patient, _LEAST_SECONDS), 60)


def _weight_bytes(replica: Replica) -> int:
    if replica.weights.bytes is not None:
        return replica.weights.bytes
    report = replica.placed.report
    terms = [term for device in report.devices for term in device.terms]
    return sum(term.bytes for term in (*terms, *report.host.terms) if term.name == "weights")
