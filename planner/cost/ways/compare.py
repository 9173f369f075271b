"""Prices every way to have the farm with the one estimate, and says when each pays back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from planner.catalogue.cpu import CpuPlatform
from planner.catalogue.reader import CatalogueReader
from planner.cost.age import AgeLimit
from planner.cost.estimate import estimate, in_currency
from planner.cost.exchange import rate_used
from planner.cost.prices import Prices
from planner.cost.values import CostReport
from planner.cost.ways.bought import bought_way
from planner.cost.ways.cpu import cpu_way
from planner.cost.ways.moved import speeds_of
from planner.cost.ways.rented import rented_ways
from planner.cost.ways.values import Comparison, Draft, Sizer, Way, break_even
from planner.diagnostics import Diagnostic, Severity, note
from planner.farm import Placement


@dataclass(frozen=True, slots=True)
class Market:
    """What prices the ways: quotes, the catalogue's parts, the age limit, the CPU to compare."""

    prices: Prices
    reader: CatalogueReader
    cpu: CpuPlatform
    limit: AgeLimit | None = None


def compare(placement: Placement, market: Market, size: Sizer) -> Comparison:
    """The farm as written beside each provider, buying, and CPU with RAM.

    All in the currency of the farm as written. ``size`` sizes a replica on devices of a host.
    """
    written = estimate(placement.farm, placement, market.prices, market.limit)
    drafts = [*rented_ways(placement, market.prices, market.reader, size)]
    drafts += [draft for draft in (bought_way(placement, size),) if draft is not None]
    cpu = cpu_way(placement, market.cpu, market.reader, size)
    drafts += [cpu] if cpu is not None else []
    others = [_priced(draft, written, market) for draft in drafts]
    others.sort(key=lambda way: (way.report.monthly.amount, way.name))
    base = Way("as written", written, speeds_of(placement), (), (), ())
    return Comparison(base, tuple(others), (*_general(base, others),))


def _priced(draft: Draft, written: CostReport, market: Market) -> Way:
    placement = in_currency(draft.placement, written.currency)
    report = estimate(placement.farm, placement, market.prices, market.limit)
    return Way(
        name=draft.name,
        report=report,
        speeds=speeds_of(draft.placement),
        changed=draft.changed,
        kept=draft.kept,
        remarks=tuple(dict.fromkeys((*draft.remarks, *_remarks(draft, report, written)))),
        break_even=break_even(written, report, partial=draft.partial),
        partial=draft.partial,
    )


def _remarks(draft: Draft, report: CostReport, written: CostReport) -> Iterator[str]:
    """What the estimate said of changed hosts, and did not say of the farm as written.

    The same sentence about several hosts is said once, with all their names.
    """
    known = {item.summary for item in written.diagnostics}
    hosts = [host for host, _ in draft.changed]
    grouped: dict[str, list[str]] = {}
    for item in report.diagnostics:
        host = str(item.path[1]) if len(item.path) > 1 else ""
        if item.severity is Severity.ERROR or item.summary in known or _of_age(item, report):
            continue
        if host in hosts:
            pattern = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "\0", item.summary)
            grouped.setdefault(pattern, []).append(host)
    for pattern, named in grouped.items():
        yield pattern.replace("\0", ", ".join(dict.fromkeys(named)))
    yield from _ages(report, hosts)


def _of_age(item: Diagnostic, report: CostReport) -> bool:
    return item.summary.startswith("the price for ") and any(line.stale for line in report.lines)


def _ages(report: CostReport, hosts: Iterable[str]) -> Iterator[str]:
    """How old the stale quotes of the changed hosts are, in one sentence."""
    resources = {f"hosts.{host}" for host in hosts}
    stale = [line for line in report.lines if line.stale and line.resource in resources]
    days = sorted({line.age_days for line in stale if line.age_days is not None})
    if days:
        span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
        yield f"its quotes are {span} days old"
    if any(line.age_days is None for line in stale):
        yield "a quote has no date"


def _general(base: Way, others: list[Way]) -> Iterator[Diagnostic]:
    """What to know of all of them: warnings of the farm as written, rates, how speeds are meant."""
    yield from (item for item in base.report.diagnostics if item.severity is not Severity.NOTE)
    if not others:
        yield note("no host has a card, so there is nothing to compare")
        return
    rates = dict.fromkeys(rate for way in (base, *others) for rate in way.report.rates)
    yield from (rate_used(rate) for rate in rates)
    if base.report.once.amount:
        yield note("break-even counts what is already owned as if it were bought today")
    yield note("speeds are for one answer at a time on each replica, as predicted")
