"""What a million tokens cost: a model's share of the month over what it can say in that time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from planner.blueprint.schedule import ALWAYS, parse_schedule
from planner.cost.figures import decimal, short
from planner.cost.machine import root_of
from planner.cost.values import Share, TokenCost
from planner.diagnostics import Diagnostic, note
from planner.farm import Farm, FarmHost, Placed, Placement
from planner.money import Money

_MILLION: Final = 10**6


@dataclass(frozen=True, slots=True)
class _Worker:
    """A replica: tokens per second, and the hours a month at which it works."""

    low: Decimal
    expected: Decimal
    high: Decimal
    hours: Decimal


def token_costs(
    models: Iterable[Share], placement: Placement
) -> tuple[tuple[TokenCost, ...], tuple[Diagnostic, ...]]:
    """A price per million tokens for each model whose speed is known.

    Tokens of a month = sum over replicas of decode speed x 3600 x hours it runs x duty, each
    replica giving one answer at a time. A note names models without a speed, a cost or work.
    """
    found: list[TokenCost] = []
    unknown: list[str] = []
    for share in models:
        own = [replica for replica in placement.replicas if replica.model.name == share.name]
        workers = [worker for item in own if (worker := _worker(item, placement.farm)) is not None]
        # a model whose hosts have no known cost is not free
        known = share.monthly.amount and len(workers) == len(own)
        if not known or not sum(item.hours for item in workers):
            unknown.append(share.name)
        else:
            found.append(_cost(share, workers))
    said: list[Diagnostic] = []
    if found:
        said.append(
            note(
                "a million tokens is priced at one answer at a time on each replica: answering "
                "several at once makes them cheaper"
            )
        )
    if unknown:
        said.append(note(f"no price per million tokens for {', '.join(unknown)}: not known"))
    return tuple(found), tuple(said)


def _worker(replica: Placed, farm: Farm) -> _Worker | None:
    speed = replica.report.decode
    if speed is None or speed.low <= 0:
        return None
    low, expected, high = (
        Decimal(repr(value)) for value in (speed.low, speed.expected, speed.high)
    )
    return _Worker(low, expected, high, hours_at_work(replica.host, farm))


def hours_at_work(host: FarmHost, farm: Farm) -> Decimal:
    """Hours a month that it runs (all 730, or its schedule) x the share of them under load.

    A VM works as its parent does. Without a written duty it is all of the time, as for energy.
    """
    host = root_of(host, farm)
    rent, power = host.spec.rent, host.spec.power
    schedule = ALWAYS if rent is None or rent.hours is None else parse_schedule(rent.hours)
    duty = Decimal(1) if power is None or power.duty is None else power.duty
    return decimal(schedule.month_hours) * duty


def _cost(share: Share, workers: list[_Worker]) -> TokenCost:
    """Monthly cost / million tokens of the month, for the expected, fastest and slowest speed."""
    amount, currency = share.monthly.amount, share.monthly.currency

    def each(speeds: Iterable[Decimal]) -> Money:
        pairs = zip(speeds, workers, strict=True)
        made = sum((speed * 3600 * worker.hours for speed, worker in pairs), Decimal())
        return Money(amount * _MILLION / made, currency).rounded()

    parts = [f"{short(w.expected, 1)} tokens/s x {short(w.hours)} h at work" for w in workers]
    shown = parts[0] if len(parts) == 1 else f"({' + '.join(parts)})"
    return TokenCost(
        model=share.name,
        per_million=each(worker.expected for worker in workers),
        low=each(worker.high for worker in workers),
        high=each(worker.low for worker in workers),
        tokens_per_second=float(sum(worker.expected for worker in workers)),
        basis=f"{share.monthly} / {shown}",
    )
