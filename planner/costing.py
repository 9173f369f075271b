"""The verbs about money: estimate, compare, diff, offers, and the budget that a plan must keep.

Nothing here prints or reaches a network: prices are dated rows.
"""

from __future__ import annotations

from dataclasses import replace

from planner import workflows
from planner.cost.age import AgeLimit
from planner.cost.estimate import estimate as estimated
from planner.cost.prices import CataloguePrices, Prices
from planner.cost.values import CostReport
from planner.diagnostics import Diagnostic, Severity
from planner.sources.catalogue import PackagedCatalogue
from planner.workflows import Sized, Validated


def estimate(validated: Validated, limit: AgeLimit) -> tuple[CostReport, tuple[Diagnostic, ...]]:
    """Price a month, and what validating and sizing had to say.

    What fits nowhere is a warning here: hosts cost money whether or not models fit on them.
    Raises BlueprintInvalid when the blueprint itself is wrong.
    """
    sized = workflows.size(validated)
    report = estimated(sized.placement.farm, sized.placement, _prices(), limit)
    return report, _softened(sized)


def _prices() -> Prices:
    return CataloguePrices(PackagedCatalogue())


def _softened(sized: Sized) -> tuple[Diagnostic, ...]:
    return tuple(
        replace(item, severity=Severity.WARNING) if item.severity is Severity.ERROR else item
        for item in sized.diagnostics
    )
