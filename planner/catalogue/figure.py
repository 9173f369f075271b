"""Where a number came from: sources, their evidence, and figures that carry their source."""

from enum import StrEnum
from typing import Final, Generic, NamedTuple, TypeVar

T_co = TypeVar("T_co", covariant=True)

_ENDS: Final = {"Q1": "03-31", "Q2": "06-30", "Q3": "09-30", "Q4": "12-31", "H1": "06-30"}


class Evidence(StrEnum):
    """How a figure is known to stand at its source."""

    READ = "read"  # the text at the address was read
    COMPUTED = (
        "computed"  # recalculated from figures that were read, and found equal to a public one
    )
    RELAYED = "relayed"  # a third party quotes the address; only the quote was read
    UNREAD = "unread"  # the page where the vendor publishes it; the page itself was not opened
    USER = "user"  # given by the farm's owner
    RECALLED = "recalled"  # general knowledge without an address


VERIFIED = frozenset({Evidence.READ, Evidence.COMPUTED})


class Source(NamedTuple):
    """One place that figures come from.

    ``date`` is as precise as the place is: "2026-11-09", "2026-09", "2026-Q1", or None.
    """

    key: str
    url: str | None
    date: str | None
    evidence: Evidence
    note: str | None = None

    @property
    def verified(self) -> bool:
        """Whether the text was read or recalculated, rather than quoted by others or remembered."""
        return self.evidence in VERIFIED

    def label(self) -> str:
        """Return one short line for a report, such as ``sky_vast, undated, read``."""
        return f"{self.key}, {self.date or 'undated'}, {self.evidence}"


class Figure(NamedTuple, Generic[T_co]):
    """A value with its source; ``derived`` says how, where the source states another number."""

    value: T_co
    source: Source
    note: str | None = None
    derived: str | None = None

    @property
    def verified(self) -> bool:
        """Whether the source's text was read or recalculated."""
        return self.source.verified


def is_verified(fact: "Figure[object] | Source | None") -> bool:
    """Tell whether a figure (or a source) was verified; an unknown figure (None) never is."""
    return fact is not None and fact.verified


def date_order(date: str | None) -> str:
    """Return a text that sorts dates from oldest to newest; the unknown date sorts first.

    A range, a year and a quarter count as their end: an imprecise date says "not later than".
    """
    if date is None:
        return ""
    end = date.rpartition("..")[2]
    year, _, rest = end.partition("-")
    if rest in ("", "H2"):
        return f"{year}-12-31"
    if rest in _ENDS:
        return f"{year}-{_ENDS[rest]}"
    return end if len(rest) > 2 else f"{end}-31"
