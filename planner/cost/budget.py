"""Holds the lines against the budget: a wall, not a hint."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal

from planner.cost.values import BudgetLeft, CostLine
from planner.diagnostics import Diagnostic, error
from planner.money import Money


def against_budget(
    lines: Iterable[CostLine], budget: Money
) -> tuple[BudgetLeft, tuple[Diagnostic, ...]]:
    """What is left of ``budget`` (in the lines' currency), and an error when nothing is.

    What was paid before counts for nothing here: no choice of today gets it back.
    """
    lines = tuple(lines)
    every = tuple(line for line in lines if not line.sunk)
    total = sum((line.monthly.amount for line in every), Decimal())
    sunk = sum((line.monthly.amount for line in lines if line.sunk), Decimal())
    left = Money(budget.amount - total, budget.currency)
    result = BudgetLeft(budget, left, Money(sunk, budget.currency))
    if left.amount >= 0:
        return result, ()
    over = Money(-left.amount, left.currency)
    pushing = "; ".join(
        f"{line.resource} {line.kind.value} {line.monthly}" for line in _pushing(every, over)
    )
    spent = Money(total, budget.currency)
    finding = error(
        f"the farm costs {spent} a month{_beside(result.sunk)}, {over} more than the budget",
        "budget",
        "monthly",
        value=budget,
        detail=f"what pushes it over: {pushing}",
        advice=f"rent for fewer hours, take a host out, or write `monthly: {_enough(spent)}`",
    )
    return result, (finding,)


def _pushing(lines: tuple[CostLine, ...], over: Money) -> list[CostLine]:
    """The dearest lines, as few as together make up what is over."""
    chosen: list[CostLine] = []
    rest = over.amount
    for line in sorted(lines, key=lambda line: -line.monthly.amount):
        chosen.append(line)
        rest -= line.monthly.amount
        if rest <= 0:
            break
    return chosen


def _beside(sunk: Money) -> str:
    return f" beside {sunk} of what is paid already" if sunk.amount else ""


def _enough(spent: Money) -> str:
    """The next whole unit of money above what is spent."""
    return f"{spent.amount.to_integral_value(ROUND_CEILING):f} {spent.currency}"
