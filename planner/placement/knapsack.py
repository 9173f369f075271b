"""The best set of things that fits one room, exactly, with OR-Tools' dynamic programming.

As with CP-SAT the compiled part is imported alone, inside the function.
"""

from __future__ import annotations

from collections.abc import Sequence


def fullest(worth: Sequence[int], sizes: Sequence[int], room: int) -> tuple[int, tuple[int, ...]]:
    """The most worth that fits ``room``, and the positions of what makes it up."""
    chosen = [place for place, value in enumerate(worth) if value > 0 and sizes[place] <= room]
    if not chosen:
        return 0, ()
    if sum(sizes[place] for place in chosen) <= room:
        return sum(worth[place] for place in chosen), tuple(chosen)
    from ortools.algorithms.python import knapsack_solver as knapsack

    kind = knapsack.SolverType.KNAPSACK_DYNAMIC_PROGRAMMING_SOLVER
    solver = knapsack.KnapsackSolver(kind, "fullest")
    solver.init([worth[p] for p in chosen], [[sizes[p] for p in chosen]], [room])
    value = solver.solve()
    taken = (p for n, p in enumerate(chosen) if solver.best_solution_contains(n))
    return value, tuple(taken)
