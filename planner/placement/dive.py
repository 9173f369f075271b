"""Turns the relaxation of a pattern model into a plan in whole numbers, but for a small rest.

What the relaxation plans a whole number of times is taken as given; then the pattern that is
nearest to a whole is rounded up, and the relaxation asked again, with new patterns for what is
left to place. (Diving with column generation; Sadykov et al., "Primal heuristics for branch and
price: the assets of diving methods", 2019.) What remains is for an exact solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from planner.placement.patterns import PatternModel, enrich

_ROUNDS: Final = 3  # of new patterns after each step
_STEPS: Final = 60


def dive(master: PatternModel, objective: Mapping[int, int], rest: float) -> None:
    """Settle what cards hold until ``rest`` are left; no step is taken that leaves no plan."""
    master.unsettle()
    last: int | None = None
    for _ in range(_STEPS):
        answer = enrich(master, objective, _ROUNDS)
        if answer is None:
            if last is not None:
                master.linear.low[last] -= 1
            return
        left = master.settle(answer)
        if sum(left.values()) <= rest:
            return
        last = max(left, key=lambda here: (left[here], -here))
        master.linear.low[last] += 1
