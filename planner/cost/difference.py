"""What a change costs: two reports, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from planner.cost.values import CostLine, CostReport
from planner.money import Money


class Change(StrEnum):
    """What became of a line."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line before and after; None where it is not there. At least one of them is.

    ``difference`` is what the month costs more, negative when it costs less. It may be zero where
    only the basis has changed.
    """

    before: CostLine | None
    after: CostLine | None

    @property
    def line(self) -> CostLine:
        """The line as it will be, or as it was."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def change(self) -> Change:
        """What became of it."""
        if self.before is None:
            return Change.ADDED
        return Change.REMOVED if self.after is None else Change.CHANGED

    @property
    def difference(self) -> Money:
        """What it costs more a month."""
        before = self.before.monthly.amount if self.before else Decimal()
        after = self.after.monthly.amount if self.after else Decimal()
        return Money(after - before, self.line.monthly.currency)


@dataclass(frozen=True, slots=True)
class CostDiff:
    """Two reports in one currency, and the lines in which they differ."""

    before: CostReport
    after: CostReport
    changes: tuple[LineChange, ...]

    @property
    def difference(self) -> Money:
        """What the month costs more; the sum of the differences of the lines."""
        amount = self.after.monthly.amount - self.before.monthly.amount
        return Money(amount, self.after.currency)


def difference(before: CostReport, after: CostReport) -> CostDiff:
    """The lines that differ, those of ``after`` in its order, then those that are gone.

    A line is known by its resource, its kind and its place among the lines that have both.
    Raises ValueError when the reports are in two currencies.
    """
    if before.currency != after.currency:
        raise ValueError(
            f"{before.currency} and {after.currency} cannot be compared: convert first"
        )
    old, new = dict(_keyed(before)), dict(_keyed(after))
    keys = [*new, *(key for key in old if key not in new)]
    pairs = (LineChange(old.get(key), new.get(key)) for key in keys)
    changes = tuple(pair for pair in pairs if _differs(pair))
    return CostDiff(before, after, changes)


def _keyed(report: CostReport) -> Iterator[tuple[tuple[str, str, int], CostLine]]:
    count: dict[tuple[str, str], int] = {}
    for line in report.lines:
        key = (line.resource, line.kind.value)
        count[key] = count.get(key, -1) + 1
        yield (*key, count[key]), line


def _differs(pair: LineChange) -> bool:
    before, after = pair.before, pair.after
    if before is None or after is None:
        return True
    return (before.monthly, before.basis) != (after.monthly, after.basis)
