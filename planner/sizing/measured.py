"""What an engine was seen to take, and how that compares with what was predicted. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Share:
    """Bytes an engine said it took in one place. None is unknown: it did not say.

    ``compute_bytes`` are activations: the peak of the profiled batch, or the graph's buffers.
    """

    weights_bytes: int | None = None
    kv_bytes: int | None = None
    compute_bytes: int | None = None
    graph_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What one running engine logged since it started.

    ``devices`` are in the engine's own order (ranks, or its device numbers), ``host`` is RAM.
    ``kv_tokens`` is what the KV pool holds, ``context`` the longest sequence it takes.
    """

    devices: tuple[Share, ...] = ()
    host: Share = Share()
    kv_tokens: int | None = None
    context: int | None = None
    version: str | None = None

    @property
    def known(self) -> int:
        """How many figures of memory it holds; 0 means that the log said nothing of use."""
        shares = (*self.devices, self.host)
        figures = [figure for share in shares for figure in astuple(share)]
        return sum(figure is not None for figure in (*figures, self.kv_tokens))


@dataclass(frozen=True, slots=True)
class Learned:
    """A measurement with its place and time (ISO 8601, UTC): what the record keeps."""

    host: str
    when: str
    measured: Measured


def learned_to_json(item: Learned) -> dict[str, Any]:
    """A measurement as values for JSON. Bytes are integers, unknown is null."""
    return asdict(item)


def learned_from_json(row: Mapping[str, Any]) -> Learned:
    """The measurement again. Raises KeyError, TypeError or ValueError for anything else."""
    data = dict(row["measured"])
    data["devices"] = tuple(Share(**share) for share in data["devices"])
    data["host"] = Share(**data["host"])
    return Learned(str(row["host"]), str(row["when"]), Measured(**data))


@dataclass(frozen=True, slots=True)
class Comparison:
    """One term, predicted and real. ``place`` is a device's name and number, ``RAM`` or ``pool``.

    ``unit`` is ``bytes`` or ``tokens``.
    """

    place: str
    term: str
    predicted: int
    real: int
    unit: str = "bytes"

    @property
    def percent(self) -> float | None:
        """How far the prediction is from the real figure; None where the real one is 0."""
        return (self.predicted - self.real) / self.real * 100 if self.real else None


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a report owes to a measurement: where and when it was taken, and each term of it."""

    host: str
    when: str
    rows: tuple[Comparison, ...]
