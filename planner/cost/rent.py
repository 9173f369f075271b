"""What a rented host costs: its GPUs by the hour or by the month, its disk, its traffic."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from planner.blueprint.schedule import ALWAYS, Schedule, parse_schedule
from planner.blueprint.schema import Rent
from planner.catalogue.match import Match, NotFound
from planner.catalogue.provider import MONTH, Offer, Provider
from planner.cost.figures import decimal, price, short
from planner.cost.prices import Prices
from planner.cost.storage import storage_charges
from planner.cost.traffic import traffic_charges
from planner.cost.values import Charge, CostKind
from planner.diagnostics import Diagnostic, error, note, warning
from planner.farm import FarmHost
from planner.money import HOURS_PER_MONTH, Money
from planner.units import round_up

Found = tuple[tuple[Charge, ...], tuple[Diagnostic, ...]]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a host wants to rent: ``cards`` of one kind, while ``schedule`` says."""

    host: str
    rent: Rent
    cards: int
    schedule: Schedule


def rent_charges(host: FarmHost, prices: Prices) -> Found:
    """Rent, storage and traffic; an error when the host costs more than ``at_most`` an hour.

    ``at_most`` holds for the host with all its cards. A price that is not known is counted at
    ``at_most`` where that is written, and is otherwise in no line and named in a warning.
    """
    rent = host.spec.rent
    if rent is None:
        return (), ()
    schedule = running_hours(rent)
    wish = _Wish(host.name, rent, len(host.devices) or rent.count, schedule)
    provider = prices.provider(rent.provider)
    if isinstance(provider, NotFound):
        return _unknown(wish, provider)
    gpu = host.devices[0].device.id if host.devices else rent.gpu
    offer = prices.offer(provider.row.id, gpu, rent.kind, wish.cards)
    if isinstance(offer, NotFound):
        charges, found = _unknown(wish, offer)
    else:
        charges, found = _known(wish, provider.row, offer, prices)
    for made, said in (
        storage_charges(wish.host, rent.disk, schedule, provider.row),
        traffic_charges(wish.host, rent.traffic, schedule, provider.row),
    ):
        charges += made
        found += said
    return charges, found


def running_hours(rent: Rent) -> Schedule:
    """When a rented host runs: always, unless hours are written."""
    return ALWAYS if rent.hours is None else parse_schedule(rent.hours)


def _unknown(wish: _Wish, missing: NotFound) -> Found:
    path, limit = ("hosts", wish.host, "rent"), wish.rent.at_most
    if limit is None:
        said = warning(
            f"the price of {wish.host} is not known and not counted",
            *path,
            detail=missing.summary,
            advice=f"write the most it may cost: hosts.{wish.host}.rent.at_most: 0.80 USD/h",
        )
        return (), (said,)
    said = warning(
        f"the price of {wish.host} is not known: it is counted at its at_most",
        *path,
        detail=missing.summary,
        advice=missing.advice,
    )
    monthly = limit.money * decimal(wish.schedule.month_hours)
    basis = f"at most {price(limit.money)}/h x {_hours(wish.schedule)}"
    return (Charge(f"hosts.{wish.host}", CostKind.RENT, monthly, basis),), (said,)


def _known(wish: _Wish, provider: Provider, found: Match[Offer], prices: Prices) -> Found:
    offer = found.row
    paid = round_up(wish.cards, offer.gpus_together or 1)
    if offer.price.per == MONTH:
        monthly, basis = _by_month(offer, paid)
        hourly = Money(monthly.amount / HOURS_PER_MONTH, monthly.currency)
    else:
        monthly, basis = _by_hour(wish, provider, offer, paid)
        hourly = offer.per_gpu_hour() * paid
    remarks = [found.note, offer.note, *_remarks(wish, provider, offer, paid)]
    notes = tuple(note(said, "hosts", wish.host, "rent") for said in remarks if said)
    once = None if offer.setup is None else offer.setup * -(-paid // offer.covers)
    charge = Charge(f"hosts.{wish.host}", CostKind.RENT, monthly, basis, offer.source, once)
    return (charge,), _over_limit(wish, hourly, offer, prices) + notes


def _by_month(offer: Offer, paid: int) -> tuple[Money, str]:
    """A price per month holds for ``covers`` cards and is paid whether they run or not."""
    units = -(-paid // offer.covers)
    times = f" x {units}" if units > 1 else ""
    return offer.price.money * units, f"{price(offer.price.money)}/month{times}"


def _by_hour(wish: _Wish, provider: Provider, offer: Offer, paid: int) -> tuple[Money, str]:
    always = wish.schedule is ALWAYS or bool(provider.billing.charged_while_stopped)
    schedule = ALWAYS if always else wish.schedule
    each = offer.per_gpu_hour()
    cards = f" x {paid} GPUs" if paid > 1 else ""
    monthly = each * (decimal(schedule.month_hours) * paid)
    return monthly, f"{price(each)}/h{cards} x {_hours(schedule)}"


def _hours(schedule: Schedule) -> str:
    """Hours a month in words; for a schedule with how they were counted."""
    if schedule is ALWAYS:
        return f"{HOURS_PER_MONTH} h"
    week, month = decimal(schedule.week_hours), decimal(schedule.month_hours)
    return f"{short(month)} h ({schedule.text}: {short(week)} h a week x {HOURS_PER_MONTH}/168)"


def _over_limit(wish: _Wish, hourly: Money, offer: Offer, prices: Prices) -> tuple[Diagnostic, ...]:
    """An error when the host costs more an hour than ``at_most``, in whatever currency that is."""
    limit = wish.rent.at_most
    if limit is None:
        return ()
    path = ("hosts", wish.host, "rent", "at_most")
    most, currency = limit.money, hourly.currency
    if most.currency != currency:
        rate = prices.exchange(most.currency, currency)
        if rate is None:
            said = f"at_most of {wish.host} cannot be compared with a price in {currency}"
            return (error(said, *path, value=limit, advice=f"write it in {currency}"),)
        most = rate.convert(most)
    if hourly.amount <= most.amount:
        return ()
    return (
        error(
            f"{wish.host} costs {price(hourly)}/h, more than its at_most",
            *path,
            value=limit,
            detail=f"{offer.provider} asks {price(offer.per_gpu_hour())}/h for one {offer.gpu} "
            f"({offer.kind}), as of {offer.source.date or 'an unknown day'}",
            advice=f"write `at_most: {price(hourly)}/h`, or rent another GPU or kind",
        ),
    )


def _remarks(wish: _Wish, provider: Provider, offer: Offer, paid: int) -> list[str]:
    """What the line leaves open, one sentence each."""
    found = []
    if wish.schedule is not ALWAYS and offer.price.per == MONTH:
        found.append(f"{provider.name} bills by the month: hours do not lower the price")
    elif wish.schedule is not ALWAYS and provider.billing.charged_while_stopped:
        found.append(f"{provider.name} charges while stopped: hours do not lower the price")
    if wish.schedule is not ALWAYS and provider.billing.can_stop is False:
        found.append(f"{provider.name} cannot stop a host: given back, it loses its disk")
    if paid > wish.cards:
        found.append(f"{provider.name} rents {offer.gpus_together} GPUs together: all are counted")
    if offer.high is not None:
        found.append(f"the price goes up to {price(offer.high)}/{offer.price.per}")
    if offer.setup is not None and offer.setup.amount > Decimal(0):
        found.append(f"{price(offer.setup)} once for setup is not in the month")
    return found
