"""The verbs about money: estimate, compare, diff, offers, and the budget that a plan must keep.

Nothing here prints or reaches a network: prices are dated rows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner import workflows
from planner.catalogue.reader import CatalogueReader
from planner.cost.age import AgeLimit
from planner.cost.estimate import estimate as estimated
from planner.cost.prices import CataloguePrices, Prices
from planner.cost.values import CostReport
from planner.diagnostics import Diagnostic, Severity
from planner.sources.catalogue import PackagedCatalogue
from planner.sources.offers import read_offers
from planner.workflows import Sized, Validated


def estimate(validated: Validated, limit: AgeLimit) -> tuple[CostReport, tuple[Diagnostic, ...]]:
    """Price a month, and what validating and sizing had to say.

    What fits nowhere is a warning here: hosts cost money whether or not models fit on them.
    Raises BlueprintInvalid when the blueprint itself is wrong.
    """
    sized = workflows.size(validated)
    prices = dated_prices(PackagedCatalogue(), offers_beside(validated))
    report = estimated(sized.placement.farm, sized.placement, prices, limit)
    return report, _softened(sized)


def dated_prices(reader: CatalogueReader, folder: Path | None) -> Prices:
    """Prices of the catalogue and of the offers files; live ones will enter here."""
    return CataloguePrices(reader, read_offers(folder))


def offers_beside(validated: Validated) -> Path | None:
    """The folder of the blueprint's inventory, where its owner keeps quotes."""
    inventory = validated.farm.blueprint.inventory if validated.farm else None
    return None if inventory is None else (validated.path.parent / inventory).parent


def _softened(sized: Sized) -> tuple[Diagnostic, ...]:
    return tuple(
        replace(item, severity=Severity.WARNING) if item.severity is Severity.ERROR else item
        for item in sized.diagnostics
    )
