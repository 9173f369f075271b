"""Solves the continuous relaxation of a linear model with OR-Tools GLOP: its values and duals.

Its answer is a guide, never a proof: it computes with floating point. What is proven from it is
checked in whole numbers by who asked (``columns``). As with CP-SAT the compiled part is imported
alone, inside the function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.placement.linear import LinearModel


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The least objective with fractions, and what each row's bound is worth."""

    objective: float
    values: tuple[float, ...]
    duals: tuple[float, ...]


def relaxed(model: LinearModel, objective: Mapping[int, int]) -> Relaxed | None:
    """The optimum with fractions allowed; None when there is none."""
    from ortools.linear_solver.python import model_builder_helper as mb

    made = mb.ModelBuilderHelper()
    unit = max(map(abs, objective.values()), default=1)
    sizes: list[float] = []
    for low, high in zip(model.low, model.high, strict=True):
        variable = made.add_var()
        made.set_var_lower_bound(variable, low)
        made.set_var_upper_bound(variable, high)
    for variable, factor in objective.items():
        made.set_var_objective_coefficient(variable, factor / unit)
    for terms, least, most in model.rows:
        row = made.add_linear_constraint()
        size = max(map(abs, terms.values()), default=1)  # MiB beside counts would be ill-behaved
        sizes.append(size / unit)
        made.set_constraint_lower_bound(row, float("-inf") if least is None else least / size)
        made.set_constraint_upper_bound(row, float("inf") if most is None else most / size)
        for variable, factor in terms.items():
            made.add_term_to_constraint(row, variable, factor / size)
    solver = mb.ModelSolverHelper("glop")
    solver.solve(made)
    if solver.status() != mb.SolveStatus.OPTIMAL:
        return None
    return Relaxed(
        solver.objective_value() * unit,
        tuple(solver.variable_value(v) for v in range(len(model.low))),
        tuple(solver.dual_value(row) / size for row, size in enumerate(sizes)),
    )
