"""Solves a linear model with OR-Tools CP-SAT: whole numbers, exact, the same answer on every run.

Its limit is counted in work done, not in seconds, and it runs in one thread, so that a slower
machine gives the same answer later. The compiled part is imported alone and only here, inside the
function: the public module would bring pandas with it (2.2 s instead of 0.1 s).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from planner.placement.linear import Answer, LinearModel, Outcome, total

WORK: Final = 4.0  # CP-SAT's deterministic time; about a second each on a desktop core
_INFINITE: Final = 1 << 62


def solve(
    model: LinearModel,
    objective: Mapping[int, int],
    hint: Sequence[int] | None = None,
    work: float = WORK,
) -> Answer:
    """The smallest ``objective``, or the best found when the work is done.

    ``hint`` is a solution to start from, one value a variable.
    """
    from ortools.sat.python import cp_model_helper as cp

    proto = _proto(cp, model, objective, hint)
    wrapper = cp.SolveWrapper()
    parameters = cp.SatParameters()
    parameters.num_workers = 1
    parameters.random_seed = 0
    parameters.max_deterministic_time = work
    parameters.linearization_level = 2
    wrapper.set_parameters(parameters)
    response: Any = wrapper.solve(proto)  # type: ignore[no-untyped-call]
    outcome = {
        "OPTIMAL": Outcome.OPTIMAL,
        "FEASIBLE": Outcome.FEASIBLE,
        "INFEASIBLE": Outcome.INFEASIBLE,
    }.get(cp.CpSolverStatus(response.status).name, Outcome.UNKNOWN)
    if outcome not in (Outcome.OPTIMAL, Outcome.FEASIBLE):
        return Answer(outcome, work=response.deterministic_time)
    values = tuple(response.solution)
    value = total(objective, values)
    bound = value if outcome is Outcome.OPTIMAL else min(value, _bound(response))
    return Answer(outcome, values, value, bound, response.deterministic_time)


def _bound(response: Any) -> int:
    """The proven bound: the solver's own in whole numbers, as all its objectives are."""
    below: float = response.best_objective_bound
    return -int(-below // 1) if abs(below) < 2**52 else int(below)


def _proto(
    cp: Any, model: LinearModel, objective: Mapping[int, int], hint: Sequence[int] | None
) -> Any:
    proto = cp.CpModelProto()
    for low, high in zip(model.low, model.high, strict=True):
        proto.variables.add().domain.extend([low, high])
    for terms, least, most in model.rows:
        linear = proto.constraints.add().linear
        linear.vars.extend(list(terms))
        linear.coeffs.extend(list(terms.values()))
        bounds = [-_INFINITE if least is None else least, _INFINITE if most is None else most]
        linear.domain.extend(bounds)
    if objective:
        proto.objective.vars.extend(list(objective))
        proto.objective.coeffs.extend(list(objective.values()))
    if hint is not None:
        proto.solution_hint.vars.extend(list(range(len(hint))))
        proto.solution_hint.values.extend(list(hint))
    return proto
