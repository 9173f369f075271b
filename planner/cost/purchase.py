"""What an own host costs a month of the years over which its price is spread."""

from __future__ import annotations

from decimal import Decimal

from planner.cost.figures import price, short
from planner.cost.values import Charge, CostKind
from planner.farm import FarmHost
from planner.money import Money


def purchase_charges(host: FarmHost) -> tuple[Charge, ...]:
    """The price divided by years x 12 months; no line when nothing is written."""
    owned = host.spec.owned
    if owned is None:
        return ()
    months = Decimal(str(owned.years)) * 12
    monthly = Money(owned.price.amount / months, owned.price.currency)
    basis = f"{price(owned.price)} / {short(months)} months"
    basis += ", paid already" if owned.paid else ""
    return (Charge(f"hosts.{host.name}", CostKind.PURCHASE, monthly, basis, once=owned.price,
                   sunk=owned.paid),)  # fmt: skip
