"""What a farm costs a month: every host's charges, converted, added up, held against the budget.

The stage after placement. Pure: prices and the day come in as arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from planner.blueprint.schema import Budget
from planner.catalogue.price import ExchangeRate
from planner.cost.age import AgeLimit, aged, old_quotes
from planner.cost.budget import against_budget
from planner.cost.energy import draws_power, energy_charges
from planner.cost.exchange import convert, rate_used, to_lines
from planner.cost.in_use import in_use
from planner.cost.prices import Prices
from planner.cost.purchase import purchase_charges
from planner.cost.rent import rent_charges
from planner.cost.shares import divided
from planner.cost.values import Charge, CostLine, CostReport
from planner.diagnostics import Diagnostic, Severity, error, note
from planner.farm import Farm, FarmHost, Placement
from planner.money import Money

DEFAULT_CURRENCY = "USD"


def estimate(
    farm: Farm, placement: Placement | None, prices: Prices, limit: AgeLimit | None = None
) -> CostReport:
    """The cost of a month of 730 hours, host by host in the farm's order.

    In ``budget.currency``, else the budget's own currency, else that of all charges when they
    agree, else USD. ``placement`` divides the month by model and role, and leaves out rented hosts
    that nothing runs on: they need not be rented. ``limit`` marks quotes that are too old. Over the
    budget is an error.
    """
    budget = farm.blueprint.budget or Budget()
    used = in_use(farm, placement)
    charges: list[Charge] = []
    found: list[Diagnostic] = []
    for host in farm.hosts:
        rent, said = rent_charges(host, prices)
        if host.rented and host.name not in used:
            rent, said = (), (*_refusals(said), _not_rented(host, rent))
        charges += (*rent, *purchase_charges(host))
        found += said
        energy, said = energy_charges(host, budget.electricity)
        charges += energy
        found += said
    found += _not_counted(farm, budget)
    currency = _currency(budget, charges)
    lines, unconverted = to_lines(charges, currency, prices)
    found += unconverted
    if limit is not None:
        lines = tuple(aged(line, limit) for line in lines)
    report = CostReport(currency, lines, None, _rates(lines), ())
    report = _with_budget(report, budget, prices, found)
    if limit is not None:
        found += old_quotes(lines, report.rates, limit)
    shares, undivided = divided(lines, currency, farm, placement)
    found += undivided
    found += [rate_used(rate) for rate in report.rates]
    return replace(report, diagnostics=tuple(found), shares=shares)


def in_currency(placement: Placement, currency: str | None) -> Placement:
    """The same placement of a farm whose costs are asked for in ``currency`` (None: as it is)."""
    if currency is None:
        return placement
    farm = placement.farm
    budget = (farm.blueprint.budget or Budget()).model_copy(update={"currency": currency})
    asked = farm._replace(blueprint=farm.blueprint.model_copy(update={"budget": budget}))
    return placement._replace(farm=asked)


def _currency(budget: Budget, charges: Iterable[Charge]) -> str:
    if budget.currency:
        return budget.currency
    if budget.monthly:
        return budget.monthly.currency
    billed = {charge.monthly.currency for charge in charges}
    return billed.pop() if len(billed) == 1 else DEFAULT_CURRENCY


def _with_budget(
    report: CostReport, budget: Budget, prices: Prices, found: list[Diagnostic]
) -> CostReport:
    if budget.monthly is None:
        return report
    try:
        wall, rate = convert(budget.monthly, report.currency, prices)
    except ValueError as fault:
        advice = f"write it in {report.currency}, or leave budget.currency out"
        path = ("budget", "monthly")
        found.append(error(str(fault), *path, value=budget.monthly, advice=advice))
        return report
    left, over = against_budget(report.lines, wall.rounded())
    found += over
    rates = dict.fromkeys((*report.rates, *((rate,) if rate else ())))
    return replace(report, budget=left, rates=tuple(rates))


def _rates(lines: Iterable[CostLine]) -> tuple[ExchangeRate, ...]:
    return tuple(dict.fromkeys(line.rate for line in lines if line.rate is not None))


def _not_counted(farm: Farm, budget: Budget) -> Iterator[Diagnostic]:
    """What is in no line because nothing is written about it, one note each."""
    own = [host for host in farm.hosts if draws_power(host)]
    if own and budget.electricity is None:
        yield note(
            f"electricity is not counted for {_names(own)}: the tariff is not known",
            "budget",
            "electricity",
            advice="write budget: {electricity: 0.37 EUR/kWh}",
        )
    unpriced = [host for host in own if host.spec.owned is None]
    if unpriced:
        yield note(
            f"purchase is not counted for {_names(unpriced)}: no price is written",
            "hosts",
            unpriced[0].name,
            "owned",
            advice="write owned: {price: 2500 USD, years: 4} under each",
        )
    for host in farm.hosts:
        if host.spec.within is not None and not host.rented:
            yield note(
                f"{host.name} costs nothing of its own: it is within {host.spec.within}",
                "hosts",
                host.name,
            )


def _refusals(said: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What is wrong with a rental whether or not it is needed: a price above its ``at_most``."""
    return tuple(item for item in said if item.severity is Severity.ERROR)


def _not_rented(host: FarmHost, charges: Iterable[Charge]) -> Diagnostic:
    sums: dict[str, Money] = {}
    for charge in charges:
        more = sums.get(charge.monthly.currency, Money(Decimal(), charge.monthly.currency))
        sums[charge.monthly.currency] = more + charge.monthly
    month = " + ".join(str(money.rounded()) for money in sums.values())
    return note(
        f"{host.name} is not counted: nothing runs on it, so it need not be rented"
        + (f" ({month} a month)" if month else ""),
        "hosts",
        host.name,
        advice=f"name it in a model's `on`, or take hosts.{host.name} out",
    )


def _names(hosts: Iterable[FarmHost]) -> str:
    return ", ".join(host.name for host in hosts)
