"""Draws ways to have the same farm beside each other: money, break-even, and speed."""

from __future__ import annotations

from typing import Any

from planner.cost.ways.values import Comparison, ModelSpeed, Way
from planner.views.columns import aligned, clip
from planner.views.cost_shares import wrapped
from planner.views.markdown import table
from planner.views.messages import diagnostic_json
from planner.views.terminal import Style, clean

_MOST_MODELS = 6


def compare_to_dict(comparison: Comparison) -> dict[str, Any]:
    """Every way, as written first. Amounts are texts; speeds are texts in tokens per second."""
    return {
        "currency": comparison.written.report.currency,
        "written": _way_dict(comparison.written),
        "ways": [_way_dict(way) for way in comparison.others],
        "diagnostics": [diagnostic_json(item) for item in comparison.diagnostics],
    }


def _way_dict(way: Way) -> dict[str, Any]:
    even = way.break_even
    budget = way.report.budget
    return {
        "name": way.name,
        "monthly": str(way.report.monthly.amount),
        "once": str(way.report.once.amount),
        "running": str(way.report.running.amount),
        "partial": way.partial,
        "budget_left": None if budget is None else str(budget.left.amount),
        "break_even": None
        if even is None
        else {
            "verdict": even.verdict.value,
            "months": None if even.months is None else str(even.months),
            "bound": even.bound,
        },
        "changed": [{"host": host, "to": to} for host, to in way.changed],
        "kept": list(way.kept),
        "models": [
            {
                "name": speed.model,
                "fits": speed.fits,
                "tokens_per_second": None
                if speed.tokens_per_second is None
                else str(round(speed.tokens_per_second, 1)),
            }
            for speed in way.speeds
        ],
        "remarks": list(way.remarks),
    }


def compare_to_text(comparison: Comparison, style: Style) -> str:
    """A table of money, a table of speeds, then what each way changes and leaves open."""
    ways = (comparison.written, *comparison.others)
    currency = comparison.written.report.currency
    head = ("way", f"{currency}/month", "once", "then/month", "cheaper")
    rows = [(_name(way), *_money(way), _even(way)) for way in ways]
    money = aligned([head, *rows], right=frozenset({1, 2, 3}))
    lines = [style.paint(money[0], "dim"), style.paint(money[1], "bold"), *money[2:]]
    lines += ["", *_speed_table(ways, style)]
    for way in comparison.others:
        lines += ["", style.paint(clean(way.name), "bold")]
        for text in _facts(way):
            lines += wrapped(text, style)
    return "\n".join(lines) + "\n"


def _name(way: Way) -> str:
    return clip(clean(way.name), 28)


def _money(way: Way) -> tuple[str, str, str]:
    report = way.report
    monthly, once, running = (
        f"{m.amount:,.2f}" for m in (report.monthly, report.once, report.running)
    )
    least = ">" if way.partial else ""
    return f"{least}{monthly}", f"{least}{once}", running


def _even(way: Way) -> str:
    return "" if way.break_even is None else str(way.break_even)


def _speed_table(ways: tuple[Way, ...], style: Style) -> list[str]:
    models = [speed.model for speed in ways[0].speeds][:_MOST_MODELS]
    if not models:
        return []
    head = ("tokens/s, one answer", *(clip(clean(model), 10) for model in models))
    rows = [(_name(way), *(_speed(way, model) for model in models)) for way in ways]
    drawn = aligned([head, *rows], right=frozenset(range(1, len(models) + 1)))
    return [style.paint(drawn[0], "dim"), *drawn[1:]]


def _speed(way: Way, model: str) -> str:
    found: ModelSpeed | None = next((s for s in way.speeds if s.model == model), None)
    if found is None:
        return ""
    if not found.fits:
        return "no room"
    speed = found.tokens_per_second
    return "not known" if speed is None else f"{speed:,.1f}"


def _facts(way: Way) -> list[str]:
    """What changes, what stays, what is left open."""
    facts = [f"{host}: {to}" for host, to in way.changed]
    if way.kept:
        facts.append(f"as they are, nothing there replaces them: {', '.join(way.kept)}")
    facts += way.remarks
    left = way.report.budget
    if left is not None and left.left.amount < 0:
        facts.append(f"over the budget by {-left.left.amount:,} {left.left.currency} a month")
    return facts


def compare_to_markdown(comparison: Comparison) -> str:
    """The same tables, and the facts as lists, for a pull request or a decision to be kept."""
    ways = (comparison.written, *comparison.others)
    models = [speed.model for speed in comparison.written.speeds]
    currency = comparison.written.report.currency
    head = ("way", f"{currency} a month", "once", "then a month", "cheaper than as written",
            *(f"{model}, tokens/s" for model in models))  # fmt: skip
    rows = [(way.name, *_money(way), _even(way), *(_speed(way, model) for model in models))
            for way in ways]  # fmt: skip
    right = frozenset({1, 2, 3, *range(5, 5 + len(models))})
    lines = table(head, rows, right)
    for way in comparison.others:
        lines += ["", f"**{clean(way.name)}**", ""]
        lines += [f"- {clean(fact)}" for fact in _facts(way)]
    notes = [f"- {item.severity.value}: {clean(item.summary)}" for item in comparison.diagnostics]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"
