"""What the traffic of a rented host costs, and its public address where that is charged apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from planner.blueprint.schedule import Schedule
from planner.catalogue.provider import HOUR, MONTH, Fee, Provider
from planner.cost.figures import decimal, price, short
from planner.cost.values import Charge, CostKind
from planner.diagnostics import Diagnostic, note, warning

# The words of the catalogue's rows: "egress" is charged one way only, "traffic" both.
_BYTES: Final = ("traffic", "egress")
_ADDRESS: Final = "public-ip"
_GB: Final = 10**9


def traffic_charges(
    host: str, traffic: int | None, schedule: Schedule, provider: Provider
) -> tuple[tuple[Charge, ...], tuple[Diagnostic, ...]]:
    """Lines for ``traffic`` bytes a month and for one public address.

    What the provider charges may be unknown: then there is a warning and no line. Where nothing
    is charged for the address there is no line for it.
    """
    address = _address(host, schedule, provider)
    fee = next((fee for fee in provider.fees if fee.kind in _BYTES and fee.price.per == "GB"), None)
    path = ("hosts", host, "rent", "traffic")
    if traffic is None:
        if fee is not None and not fee.price.money.amount:
            return address, ()
        asks = "is not known" if fee is None else f"is {price(fee.price.money)}/GB"
        said = f"traffic of {host} is not counted: what {provider.name} charges for it {asks}"
        advice = f"write hosts.{host}.rent.traffic: 500GB" if fee else "ask the provider"
        return address, (note(said, *path, advice=advice),)
    gigabytes = Decimal(traffic) / _GB
    if fee is None:
        said = f"what {provider.name} charges for {short(gigabytes)} GB of traffic is not known"
        return address, (warning(f"{said}, and not counted", *path),)
    each = fee.price.money
    counted = ", counted as if all of it went out" if fee.kind == "egress" and each.amount else ""
    basis = f"{short(gigabytes)} GB x {price(each)}/GB{counted}"
    line = Charge(f"hosts.{host}", CostKind.TRAFFIC, each * gigabytes, basis, fee.source)
    return (line, *address), ()


def _address(host: str, schedule: Schedule, provider: Provider) -> tuple[Charge, ...]:
    """One public address; by the hour it is paid while the host runs, by the month in full."""
    fee: Fee | None = next((fee for fee in provider.fees if fee.kind == _ADDRESS), None)
    if fee is None or not fee.price.money.amount or fee.price.per not in (HOUR, MONTH):
        return ()
    each = fee.price.money
    if fee.price.per == MONTH:
        monthly, times = each, "/month"
    else:
        hours = decimal(schedule.month_hours)
        monthly, times = each * hours, f"/h x {short(hours)} h"
    basis = f"one public address: {price(each)}{times}"
    return (Charge(f"hosts.{host}", CostKind.TRAFFIC, monthly, basis, fee.source),)
