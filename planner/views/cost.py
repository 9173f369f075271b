"""Draws a cost report: a table for people, JSON for scripts, Markdown for a pull request."""

from __future__ import annotations

from typing import Any

from planner.catalogue.price import ExchangeRate
from planner.cost.values import BudgetLeft, CostLine, CostReport
from planner.money import Money
from planner.views.columns import aligned, clip
from planner.views.cost_shares import (
    shares_to_dict,
    shares_to_lines,
    shares_to_markdown,
    wrapped,
)
from planner.views.markdown import escaped
from planner.views.messages import diagnostic_json
from planner.views.terminal import Style, clean


def cost_to_dict(report: CostReport) -> dict[str, Any]:
    """The report as the design fixes it for scripts.

    Amounts are decimals written as strings ("503.70"), so that no reader turns them into floats;
    all are in ``currency``. ``hourly`` is the month spread over its 730 hours. ``budget`` is null
    when none is written, ``as_of`` when the line's price stands in the blueprint. ``once`` is what
    is paid at the start, of which ``monthly`` holds only what purchases are spread to.
    """
    budget = report.budget
    return {
        "currency": report.currency,
        "monthly": _cents(report.monthly),
        "hourly": str(report.hourly.amount),
        "lines": [_line_dict(line) for line in report.lines],
        "budget": None if budget is None else _budget(budget),
        "once": _cents(report.once),
        **shares_to_dict(report.shares),
        "rates": [rate_to_dict(rate) for rate in report.rates],
        "diagnostics": [diagnostic_json(item) for item in report.diagnostics],
    }


def _line_dict(line: CostLine) -> dict[str, Any]:
    return {
        "resource": line.resource,
        "kind": line.kind.value,
        "monthly": _cents(line.monthly),
        "basis": line.basis,
        "source": line.source,
        "as_of": line.as_of,
        "age_days": line.age_days,
        "stale": line.stale,
    }


def rate_to_dict(rate: ExchangeRate) -> dict[str, Any]:
    """An exchange rate: one ``from`` costs ``rate`` ``to`` on ``date``."""
    return {
        "from": rate.base,
        "to": rate.quote,
        "rate": str(rate.rate),
        "date": rate.date,
        "source": rate.source.url,
    }


def _cents(money: Money) -> str:
    return str(money.rounded().amount)


def cost_to_text(report: CostReport, style: Style) -> str:
    """A row for every line with its basis and source below, then totals, then who they fall to."""
    if not report.lines:
        return "no line has a known price: what is missing is said below\n"
    head = ("what", "for", f"{report.currency} a month")
    rows = [(_name(line), line.kind.value, _amount(line.monthly)) for line in report.lines]
    table = aligned([head, *rows, *_totals(report)], right=frozenset({2}))
    lines = [style.paint(table[0], "dim")]
    count = len(report.lines)
    for line, drawn in zip(report.lines, table[1 : count + 1], strict=True):
        lines += [drawn, *_below(line, style)]
    lines.append("-" * len(table[0]))
    lines += _painted(table[count + 1 :], report, style)
    return "\n".join([*lines, *shares_to_lines(report.shares, style)]) + "\n"


def _budget(budget: BudgetLeft) -> dict[str, str]:
    """What was paid before stands there only where there is some: ``left`` is without it."""
    row = {"monthly": _cents(budget.monthly), "left": _cents(budget.left)}
    return {**row, "paid_already": _cents(budget.sunk)} if budget.sunk.amount else row


def _name(line: CostLine) -> str:
    return clip(clean(line.resource.removeprefix("hosts.")), 24)


def _amount(money: Money) -> str:
    return f"{money.rounded().amount:,}"


def _totals(report: CostReport) -> list[tuple[str, str, str]]:
    rows = [("a month", "730 h", _amount(report.monthly))]
    rows.append(("an hour", "on average", f"{report.hourly.amount:,}"))
    if report.budget is not None:
        if report.budget.sunk.amount:
            rows.append(("paid already", "not in budget", _amount(report.budget.sunk)))
        rows.append(("budget", "", _amount(report.budget.monthly)))
        rows.append(("left", "", _amount(report.budget.left)))
    return rows


def _painted(totals: list[str], report: CostReport, style: Style) -> list[str]:
    drawn = [style.paint(totals[0], "bold"), *totals[1:]]
    if report.budget is not None:
        broken = report.budget.left.amount < 0
        drawn[-1] = style.paint(totals[-1], "red" if broken else "green", "bold")
    return drawn


def _below(line: CostLine, style: Style) -> list[str]:
    """The basis, then source and age; what stands in the blueprint is as old as that."""
    drawn = wrapped(line.basis, style)
    age = "" if line.source.startswith("blueprint") else _age(line)
    drawn += wrapped(f"{line.source}{age}", style)
    if line.stale:
        drawn.append("  " + style.paint("old: ask for the price of today", "yellow"))
    return drawn


def _age(line: CostLine) -> str:
    if line.as_of is None:
        return ", undated"
    return f", {line.as_of}" + (f", {line.age_days} days old" if line.age_days else "")


def cost_to_markdown(report: CostReport) -> str:
    """The report as a Markdown table with the budget's verdict on top."""
    rows = [
        (line.resource, line.kind.value, _amount(line.monthly), line.basis, _linked(line))
        for line in report.lines
    ]
    head = ("what", "for", f"{report.currency} a month", "basis", "source")
    text = [f"**{_amount(report.monthly)} {report.currency} a month**{_verdict(report)}", ""]
    text += ["| " + " | ".join(head) + " |", "| --- | --- | ---: | --- | --- |"]
    text += ["| " + " | ".join(escaped(row)) + " |" for row in rows]
    text += shares_to_markdown(report.shares)
    notes = [f"- {item.severity.value}: {item.summary}" for item in report.diagnostics]
    return "\n".join([*text, *([""] if notes else []), *(clean(n) for n in notes)]) + "\n"


def _verdict(report: CostReport) -> str:
    if report.budget is None:
        return ""
    left, budget = report.budget.left, report.budget.monthly
    if left.amount < 0:
        return f", {_amount(Money(-left.amount, left.currency))} over the budget of {budget}"
    return f", {_amount(left)} left of the budget of {budget}"


def _linked(line: CostLine) -> str:
    old = f", {line.age_days} days old" if line.stale and line.age_days else ""
    shown = f"[{line.as_of or 'undated'}]({line.source}){old}"
    return shown if line.source.startswith("https://") else line.source
