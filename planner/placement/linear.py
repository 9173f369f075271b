"""A linear model in whole numbers: variables with bounds, rows with bounds, one objective a solve.

Knows nothing of placement. ``cpsat`` solves it; another solver could.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Terms = Iterable[tuple[int, int]]  # (variable, factor)


@dataclass(slots=True)
class LinearModel:
    """Grows while it is built. A variable is its number."""

    low: list[int] = field(default_factory=list)
    high: list[int] = field(default_factory=list)
    rows: list[tuple[dict[int, int], int | None, int | None]] = field(default_factory=list)

    def variable(self, low: int, high: int) -> int:
        """A new whole number between two bounds."""
        self.low.append(low)
        self.high.append(high)
        return len(self.low) - 1

    def row(self, terms: Terms, low: int | None = None, high: int | None = None) -> None:
        """low <= sum of factor x variable <= high. A row that can never bind is left out."""
        joined = added(terms)
        most = sum(f * (self.high[v] if f > 0 else self.low[v]) for v, f in joined.items())
        least = sum(f * (self.low[v] if f > 0 else self.high[v]) for v, f in joined.items())
        if (low is None or least >= low) and (high is None or most <= high):
            return
        self.rows.append((joined, low, high))

    def copy(self) -> LinearModel:
        """Another model that starts with the same variables and rows."""
        rows = [(dict(terms), low, high) for terms, low, high in self.rows]
        return LinearModel(list(self.low), list(self.high), rows)


def added(terms: Terms) -> dict[int, int]:
    """Terms with each variable once, and none with the factor 0."""
    joined: dict[int, int] = {}
    for variable, factor in terms:
        joined[variable] = joined.get(variable, 0) + factor
    return {variable: factor for variable, factor in joined.items() if factor}


class Outcome(StrEnum):
    """What a solve came to."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"  # a solution, and a bound that it does not reach
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"  # the limit came first


@dataclass(frozen=True, slots=True)
class Answer:
    """``bound`` is proven: no solution has a smaller objective. ``work`` is what it took."""

    outcome: Outcome
    values: tuple[int, ...] = ()
    objective: int = 0
    bound: int = 0
    work: float = 0.0

    @classmethod
    def nothing(cls) -> Answer:
        """No solve was needed, or none came to anything."""
        return cls(Outcome.UNKNOWN)

    @property
    def found(self) -> bool:
        """Whether there is a solution."""
        return self.outcome in (Outcome.OPTIMAL, Outcome.FEASIBLE)


def total(terms: Mapping[int, int], values: tuple[int, ...]) -> int:
    """The value of a sum."""
    return sum(factor * values[variable] for variable, factor in terms.items())
