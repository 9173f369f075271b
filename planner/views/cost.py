"""Draws a cost report: a table for people, JSON for scripts, Markdown for a pull request."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from datetime import date
from typing import Any

from planner.cost.age import age_days
from planner.cost.values import CostLine, CostReport
from planner.money import Money
from planner.views.columns import aligned, clip
from planner.views.messages import diagnostic_json
from planner.views.terminal import Style, clean


def cost_to_dict(report: CostReport) -> dict[str, Any]:
    """The report as the design fixes it for scripts.

    Amounts are decimals written as strings ("503.70"), so that no reader turns them into floats;
    all are in ``currency``. ``hourly`` is the month spread over its 730 hours. ``budget`` is null
    when none is written, ``as_of`` when the line's price stands in the blueprint.
    """
    budget = report.budget
    return {
        "currency": report.currency,
        "monthly": _cents(report.monthly),
        "hourly": str(report.hourly.amount),
        "lines": [_line_dict(line) for line in report.lines],
        "budget": None
        if budget is None
        else {"monthly": _cents(budget.monthly), "left": _cents(budget.left)},
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
    }


def _cents(money: Money) -> str:
    return str(money.rounded().amount)


def cost_to_text(report: CostReport, style: Style, today: date | None = None) -> str:
    """A row for every line with its basis and source below, then totals and what is left."""
    if not report.lines:
        return "no line has a known price: what is missing is said below\n"
    head = ("what", "for", f"{report.currency} a month")
    rows = [(_name(line), line.kind.value, _amount(line.monthly)) for line in report.lines]
    table = aligned([head, *rows, *_totals(report)], right=frozenset({2}))
    lines = [style.paint(table[0], "dim")]
    count = len(report.lines)
    for line, drawn in zip(report.lines, table[1 : count + 1], strict=True):
        lines += [drawn, *_below(line, style, today)]
    lines.append("-" * len(table[0]))
    lines += _painted(table[count + 1 :], report, style)
    return "\n".join(lines) + "\n"


def _name(line: CostLine) -> str:
    return clip(clean(line.resource.removeprefix("hosts.")), 24)


def _amount(money: Money) -> str:
    return f"{money.rounded().amount:,}"


def _totals(report: CostReport) -> list[tuple[str, str, str]]:
    rows = [("a month", "730 h", _amount(report.monthly))]
    rows.append(("an hour", "on average", f"{report.hourly.amount:,}"))
    if report.budget is not None:
        rows.append(("budget", "", _amount(report.budget.monthly)))
        rows.append(("left", "", _amount(report.budget.left)))
    return rows


def _painted(totals: list[str], report: CostReport, style: Style) -> list[str]:
    drawn = [style.paint(totals[0], "bold"), *totals[1:]]
    if report.budget is not None:
        broken = report.budget.left.amount < 0
        drawn[-1] = style.paint(totals[-1], "red" if broken else "green", "bold")
    return drawn


def _below(line: CostLine, style: Style, today: date | None) -> list[str]:
    """The basis, then source and age; what stands in the blueprint needs no address."""
    texts = [line.basis]
    if not line.source.startswith("blueprint"):
        texts.append(f"{line.source}{_age(line, today)}")
    return [
        "  " + style.paint(part, "dim")
        for text in texts
        for part in textwrap.wrap(clean(text), style.width - 2, break_on_hyphens=False)
    ]


def _age(line: CostLine, today: date | None) -> str:
    if line.as_of is None:
        return ", undated"
    days = None if today is None else age_days(line.as_of, today)
    return f", {line.as_of}" + (f", {days} days old" if days else "")


def cost_to_markdown(report: CostReport) -> str:
    """The report as a Markdown table with the budget's verdict on top."""
    rows = [
        (line.resource, line.kind.value, _amount(line.monthly), line.basis, _linked(line))
        for line in report.lines
    ]
    head = ("what", "for", f"{report.currency} a month", "basis", "source")
    text = [f"**{_amount(report.monthly)} {report.currency} a month**{_verdict(report)}", ""]
    text += ["| " + " | ".join(head) + " |", "| --- | --- | ---: | --- | --- |"]
    text += ["| " + " | ".join(_escaped(row)) + " |" for row in rows]
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
    shown = f"[{line.as_of or 'undated'}]({line.source})"
    return shown if line.source.startswith("https://") else line.source


def _escaped(row: Iterable[str]) -> list[str]:
    return [clean(" ".join(cell.split())).replace("|", "\\|") for cell in row]
