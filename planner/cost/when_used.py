"""What a host adds to the month when something runs on it: the figure that placement compares.

Rent in full; of an own host only the electricity above idling, because it is bought and on anyway.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from planner.blueprint.schema import Budget
from planner.cost.energy import energy_charges
from planner.cost.estimate import estimate
from planner.cost.exchange import convert
from planner.cost.prices import Prices
from planner.cost.rent import rent_charges
from planner.cost.values import Charge
from planner.farm import Farm, FarmHost, Placement


def cost_when_used(host: FarmHost, budget: Budget, prices: Prices) -> int | None:
    """Hundredths a month in the budget's currency (USD without one); None when it is unknown."""
    currency = budget.currency or (budget.monthly.currency if budget.monthly else "USD")
    if host.rented:
        charges, _ = rent_charges(host, prices)
        return _sum(charges, currency, prices) if charges else None
    power = host.spec.power
    if power is None or power.idle is None or budget.electricity is None:
        return 0
    resting = power.model_copy(update={"duty": Decimal(0)})
    at_rest = host._replace(spec=host.spec.model_copy(update={"power": resting}))
    loaded, _ = energy_charges(host, budget.electricity)
    idle, _ = energy_charges(at_rest, budget.electricity)
    more, base = _sum(loaded, currency, prices), _sum(idle, currency, prices)
    return None if more is None or base is None else max(0, more - base)


def left_for_rent(farm: Farm, prices: Prices) -> int | None:
    """Hundredths a month that the budget leaves for rented hosts; None without a budget.

    Beside it stands what does not depend on where models run: own hosts, and rented ones that
    stores, services or the gateway are named to run on.
    """
    budget = farm.blueprint.budget
    if budget is None or budget.monthly is None:
        return None
    report = estimate(farm, Placement(farm, ()), prices)
    if report.budget is None:
        return None
    return int((report.budget.left.amount * 100).to_integral_value(ROUND_FLOOR))


def _sum(charges: tuple[Charge, ...], currency: str, prices: Prices) -> int | None:
    try:
        total = sum(
            (convert(charge.monthly, currency, prices)[0].amount for charge in charges), Decimal()
        )
    except ValueError:
        return None
    return int((total * 100).to_integral_value(ROUND_CEILING))
