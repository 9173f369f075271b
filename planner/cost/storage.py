"""What the disk of a rented host costs, running and stopped."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from planner.blueprint.schedule import ALWAYS, Schedule
from planner.catalogue.provider import Provider, StorageRate
from planner.cost.figures import decimal, price, short
from planner.cost.values import Charge, CostKind
from planner.diagnostics import Diagnostic, note, warning
from planner.money import HOURS_PER_MONTH, Money
from planner.units import GIB

_UNITS: Final = {"GB-month": (10**9, "GB"), "GiB-month": (GIB, "GiB")}


def storage_charges(
    host: str, disk: int | None, schedule: Schedule, provider: Provider
) -> tuple[tuple[Charge, ...], tuple[Diagnostic, ...]]:
    """A line for ``disk`` bytes kept all month, also while the host is stopped.

    Of a provider's rates the first that keeps data while stopped and takes that size is used.
    """
    path = ("hosts", host, "rent", "disk")
    if disk is None:
        if any(rate.running.money.amount for rate in provider.storage):
            said = f"storage of {host} is not counted: no disk is written"
            return (), (note(said, *path, advice=f"write hosts.{host}.rent.disk: 200GB"),)
        return (), ()
    rate = _rate(provider, disk)
    if rate is None:
        said = f"what {provider.name} charges for {short(Decimal(disk) / 10**9)} GB is not known"
        return (), (warning(f"{said}, and not counted", *path),)
    if not rate.running.money.amount and not (rate.stopped and rate.stopped.money.amount):
        return (), ()
    monthly, basis = _month(rate, disk, schedule)
    remarks = [] if rate.note is None else [f"{rate.kind}: {rate.note}"]
    if rate.high is not None:
        remarks.append(f"storage of {host} may cost up to {price(rate.high)}/{rate.running.per}")
    found = tuple(note(said, *path) for said in remarks)
    charge = Charge(f"hosts.{host}", CostKind.STORAGE, monthly, basis, rate.source)
    return (charge,), found


def _rate(provider: Provider, disk: int) -> StorageRate | None:
    fitting = [rate for rate in provider.storage if _takes(rate, disk)]
    kept = [rate for rate in fitting if rate.stopped is None or rate.stopped.money.amount]
    return next(iter(kept or fitting), None)


def _takes(rate: StorageRate, disk: int) -> bool:
    if rate.running.per not in _UNITS:
        return False
    amount = Decimal(disk) / _UNITS[rate.running.per][0]
    return (rate.above_gb or 0) <= amount and (rate.up_to_gb is None or amount <= rate.up_to_gb)


def _month(rate: StorageRate, disk: int, schedule: Schedule) -> tuple[Money, str]:
    """The running rate for the hours it runs and the stopped rate for the rest of 730.

    Where no stopped rate is known the disk is charged as running all month, as volumes are.
    """
    unit, name = _UNITS[rate.running.per]
    amount = Decimal(disk) / unit
    running = rate.running.money
    stopped = rate.stopped.money if rate.stopped else running
    if schedule is ALWAYS or stopped == running:
        return running * amount, f"{short(amount)} {name} x {price(running)} a month"
    hours = decimal(schedule.month_hours)
    share = hours / HOURS_PER_MONTH
    monthly = running * (amount * share) + stopped * (amount * (1 - share))
    basis = (
        f"{short(amount)} {name} x ({price(running)} x {short(hours)} h running"
        f" + {price(stopped)} x {short(HOURS_PER_MONTH - hours)} h stopped) / {HOURS_PER_MONTH}"
    )
    return monthly, basis
