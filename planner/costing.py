"""The verbs about money: estimate, compare, diff, offers, and the budget that a plan must keep.

Nothing here prints or reaches a network: prices are dated rows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from planner import workflows
from planner.catalogue.find_part import find_cpu, find_device
from planner.catalogue.match import Match, NotFound
from planner.catalogue.reader import CatalogueReader
from planner.cost.age import AgeLimit
from planner.cost.estimate import estimate as estimated
from planner.cost.estimate import in_currency
from planner.cost.exchange import convert
from planner.cost.prices import CataloguePrices, Prices
from planner.cost.values import CostReport
from planner.diagnostics import Diagnostic, Severity
from planner.errors import UsageError
from planner.farm import Farm, Placement
from planner.money import Money, parse_rate
from planner.sources.blueprint_files import Read, read_document
from planner.sources.catalogue import PackagedCatalogue
from planner.sources.git import at_revision, in_revision, reader_of
from planner.sources.offers import read_offers
from planner.units import parse_tokens
from planner.workflows import Sized, Validated

if TYPE_CHECKING:
    from planner.catalogue.cpu import CpuPlatform
    from planner.catalogue.device import Device
    from planner.cost.difference import CostDiff
    from planner.cost.offers import Fit, OfferList
    from planner.cost.ways.values import Comparison
    from planner.sizing.values import SizeReport

T = TypeVar("T")


class Target(NamedTuple):
    """A blueprint to price: its name for people, where it lies, and how it is read."""

    name: str
    path: Path
    read: Read


# The reference of a CPU node where the farm has none: twelve channels of DDR5.
_USUAL_CPU: Final = "epyc-9374f"


def estimate(validated: Validated, limit: AgeLimit) -> tuple[CostReport, tuple[Diagnostic, ...]]:
    """Price a month, and what validating and sizing had to say.

    What fits nowhere is a warning here: hosts cost money whether or not models fit on them.
    Raises BlueprintInvalid when the blueprint itself is wrong.
    """
    sized = workflows.size(validated)
    prices = dated_prices(PackagedCatalogue(), offers_beside(validated))
    report = estimated(sized.placement.farm, sized.placement, prices, limit)
    return report, _softened(sized)


def month(placement: Placement, path: Path) -> CostReport:
    """What a month costs of a farm that is placed already.

    The age of quotes is not looked at: a plan must not change from one day to the next.
    """
    prices = dated_prices(PackagedCatalogue(), _offers_folder(placement.farm, path))
    return estimated(placement.farm, placement, prices)


def beyond_budget(placement: Placement, path: Path) -> tuple[Diagnostic, ...]:
    """The errors for which a plan is refused: over the budget, over a rental's ``at_most``."""
    report = month(placement, path)
    return tuple(item for item in report.diagnostics if item.severity is Severity.ERROR)


def dated_prices(reader: CatalogueReader, folder: Path | None) -> Prices:
    """Prices of the catalogue and of the offers files; live ones will enter here."""
    return CataloguePrices(reader, read_offers(folder))


def offers_beside(validated: Validated) -> Path | None:
    """The folder of the blueprint's inventory, where its owner keeps quotes."""
    return _offers_folder(validated.farm, validated.path) if validated.farm else None


def _offers_folder(farm: Farm, path: Path) -> Path | None:
    inventory = farm.blueprint.inventory
    return None if inventory is None else (path.parent / inventory).parent


def _softened(sized: Sized) -> tuple[Diagnostic, ...]:
    return tuple(
        replace(item, severity=Severity.WARNING) if item.severity is Severity.ERROR else item
        for item in sized.diagnostics
    )


def compare(validated: Validated, limit: AgeLimit, cpu: str | None = None) -> Comparison:
    """The farm as written beside other ways to have it.

    ``cpu`` names the platform to compare with; by default that of the farm's first CPU host.
    Raises UsageError for a CPU that is not known, BlueprintInvalid for a wrong blueprint.
    """
    from planner.cost.ways.compare import Market
    from planner.cost.ways.compare import compare as compared
    from planner.sizing.replica import ReplicaSizer

    placement = workflows.size(validated).placement
    reader = PackagedCatalogue()
    prices = dated_prices(reader, offers_beside(validated))
    market = Market(prices, reader, _platform(reader, cpu, placement.farm), limit)
    return compared(placement, market, ReplicaSizer())


def _platform(reader: CatalogueReader, name: str | None, farm: Farm) -> CpuPlatform:
    own = [host.cpu for host in farm.hosts if host.cpu is not None and not host.devices]
    if name is None and own:
        return own[0]
    found = find_cpu(reader, name or _USUAL_CPU)
    if isinstance(found, NotFound):
        raise UsageError(found.summary, where="--cpu", advice=found.advice)
    return found.row


def diff(before: Target, after: Target, limit: AgeLimit) -> CostDiff:
    """What the month costs more after a change, both priced with the prices of today.

    Both are in the currency of ``after``. Raises BlueprintInvalid where one of them is wrong.
    """
    from planner.cost.difference import difference

    newer = _report(after, limit, None)
    return difference(_report(before, limit, newer.currency), newer)


def _report(target: Target, limit: AgeLimit, currency: str | None) -> CostReport:
    """The month of one side; in ``currency``, or where that is None in its own."""
    validated = workflows.validate(target.path, headers=True, read=target.read)
    placement = in_currency(workflows.size(validated).placement, currency)
    prices = dated_prices(PackagedCatalogue(), offers_beside(validated))
    return estimated(placement.farm, placement, prices, limit)


def target(text: str) -> Target:
    """A file, or `REVISION:PATH` as Git reads it. Raises UsageError for a revision without Git."""
    revision = at_revision(text)
    if revision is None:
        return Target(text, Path(text), read_document)
    return Target(text, revision.path, reader_of(revision))


def target_in(revision: str, path: Path) -> Target:
    """A file of the working tree as it stood in a revision."""
    found = in_revision(revision, path)
    return Target(str(found), path, reader_of(found))


class OfferQuestion(NamedTuple):
    """The words of ``planner offers``, as they were typed."""

    model: str | None
    quant: str | None
    context: str
    engine: str
    gpu: str | None
    provider: str | None
    terms: str | None
    at_most: str | None
    currency: str
    inventory: Path


def offers(asked: OfferQuestion, limit: AgeLimit) -> OfferList:
    """What can be rented, and would fit a model where one is named.

    Raises UsageError for a word that cannot be read, BlueprintInvalid for an unknown model.
    """
    from planner.catalogue.provider import Terms
    from planner.cost.offers import OfferWish, list_offers

    reader = PackagedCatalogue()
    prices = dated_prices(reader, asked.inventory if asked.inventory.is_dir() else None)
    wish = OfferWish(
        gpu=_known(find_device(reader, asked.gpu), "--gpu").id if asked.gpu else None,
        provider=_known(prices.provider(asked.provider), "--provider").id
        if asked.provider
        else None,
        terms=None if asked.terms is None else Terms(asked.terms),
        at_most=_hourly(asked.at_most, asked.currency, prices),
    )
    fit = _fitting(asked, reader) if asked.model is not None else None
    return list_offers(prices, reader, wish, asked.currency, limit, fit)


def _known(found: Match[T] | NotFound, where: str) -> T:
    if isinstance(found, NotFound):
        raise UsageError(found.summary, where=where, advice=found.advice)
    return found.row


def _hourly(text: str | None, currency: str, prices: Prices) -> Money | None:
    if text is None:
        return None
    try:
        return convert(parse_rate(text, "h").money, currency, prices)[0]
    except ValueError as fault:
        raise UsageError(str(fault), where="--at-most") from fault


def _fitting(asked: OfferQuestion, reader: CatalogueReader) -> Fit:
    """Sizes the model on so many cards; it must have the context asked for, or all that it can."""
    from planner.sizing.ask import Question, ask
    from planner.sizing.quantization import UnknownQuantization
    from planner.sizing.size import size
    from planner.sources.model_files import read_model_files

    assert asked.model is not None
    name = asked.model
    files = read_model_files(name)
    try:
        least = parse_tokens(asked.context)
    except ValueError as wrong:
        raise UsageError(f"--context: {wrong}") from wrong

    def fit(device: Device, count: int) -> SizeReport:
        options = {"quant": asked.quant, "context": least}
        on = f"{device.id}x{count}"
        question = Question(name, asked.engine, on, options=options)
        try:
            return size(ask(question, reader, files).request)
        except UnknownQuantization as wrong:
            raise UsageError(str(wrong), where="--quant") from wrong

    return fit
