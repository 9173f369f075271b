"""What sizing takes and gives: a request for one replica, and a report made of terms.

Every figure is a term with its formula and source; nothing here computes. Bytes are per device
unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.diagnostics import Diagnostic


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
class SizeReport:
    """The answer for one replica.

    ``kv_bytes_per_token`` is for the whole model before it is divided over devices;
    ``kv_capacity_tokens`` is what the pool holds; ``max_context`` the longest single sequence.
    Unknown is None, never 0.
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
