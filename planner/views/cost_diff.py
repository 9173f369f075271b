"""Draws what a change costs: for people, for scripts, and as a comment under a pull request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from planner.cost.difference import CostDiff, LineChange
from planner.cost.values import BudgetLeft, CostLine, CostReport
from planner.views.columns import aligned, clip
from planner.views.cost_shares import wrapped
from planner.views.markdown import table
from planner.views.messages import diagnostic_json
from planner.views.terminal import Style, clean


def diff_to_dict(diff: CostDiff, before: str, after: str) -> dict[str, Any]:
    """Amounts are texts; ``before`` and ``after`` of a line are null where it is not there."""
    return {
        "currency": diff.after.currency,
        "before": {"name": before, **_side(diff.before)},
        "after": {"name": after, **_side(diff.after)},
        "difference": str(diff.difference.amount),
        "changes": [_change(item) for item in diff.changes],
        "diagnostics": [diagnostic_json(item) for item in diff.after.diagnostics],
    }


def _side(report: CostReport) -> dict[str, Any]:
    budget = report.budget
    return {
        "monthly": str(report.monthly.amount),
        "once": str(report.once.amount),
        "budget": None
        if budget is None
        else {"monthly": str(budget.monthly.amount), "left": str(budget.left.amount)},
    }


def _change(item: LineChange) -> dict[str, Any]:
    return {
        "resource": item.line.resource,
        "kind": item.line.kind.value,
        "change": item.change.value,
        "difference": str(item.difference.amount),
        "before": _line(item.before),
        "after": _line(item.after),
    }


def _line(line: CostLine | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {
        "monthly": str(line.monthly.amount),
        "basis": line.basis,
        "source": line.source,
        "as_of": line.as_of,
    }


def diff_to_text(diff: CostDiff, before: str, after: str, style: Style) -> str:
    """A row for every line that differs, with its old and new arithmetic, then the totals."""
    title = f"{clean(before)} -> {clean(after)}"
    if not diff.changes:
        return f"{title}\nno line differs: {diff.after.monthly} a month as before\n"
    currency = diff.after.currency
    head = ("", "what", "for", "before", "after", f"{currency} a month")
    rows = [_row(item) for item in diff.changes]
    total = ("", "a month", "730 h", _amount(diff.before.monthly.amount),
             _amount(diff.after.monthly.amount), signed(diff.difference.amount))  # fmt: skip
    drawn = aligned([head, *rows, total], right=frozenset({3, 4, 5}))
    lines = [title, style.paint(drawn[0], "dim")]
    for item, row in zip(diff.changes, drawn[1:-1], strict=True):
        lines.append(row)
        for sign, line in (("-", item.before), ("+", item.after)):
            lines += wrapped(f"{sign} {line.basis}", style) if line is not None else []
    lines += ["-" * len(drawn[0]), style.paint(drawn[-1], "bold")]
    verdict = _verdict(diff.after.budget)
    return "\n".join([*lines, *([verdict] if verdict else [])]) + "\n"


def _row(item: LineChange) -> tuple[str, ...]:
    return (
        {"added": "+", "removed": "-", "changed": "~"}[item.change.value],
        clip(clean(item.line.resource.removeprefix("hosts.")), 24),
        item.line.kind.value,
        "" if item.before is None else _amount(item.before.monthly.amount),
        "" if item.after is None else _amount(item.after.monthly.amount),
        signed(item.difference.amount),
    )


def _amount(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def signed(amount: Decimal) -> str:
    """An amount with its sign, as a difference is read: ``+12.00``, ``-3.50``, ``0.00``."""
    return f"{amount:+,.2f}" if amount else "0.00"


def _verdict(budget: BudgetLeft | None) -> str | None:
    if budget is None:
        return None
    if budget.left.amount < 0:
        return f"over the budget of {budget.monthly} by {_amount(-budget.left.amount)}"
    return f"{_amount(budget.left.amount)} left of the budget of {budget.monthly}"


def diff_to_markdown(diff: CostDiff, before: str, after: str) -> str:
    """The sum first, then a table of what differs, with the arithmetic to fold out."""
    currency = diff.after.currency
    month = f"{_amount(diff.before.monthly.amount)} to {_amount(diff.after.monthly.amount)}"
    said = f"**{signed(diff.difference.amount)} {currency} a month** ({month} {currency})"
    verdict = _verdict(diff.after.budget)
    lines = [f"### Cost: `{_code(before)}` to `{_code(after)}`", ""]
    lines += [f"{said}{f', {verdict}' if verdict else ''}"]
    if not diff.changes:
        return "\n".join([*lines, "", "No line differs."]) + "\n"
    head = ("", "what", "for", "before", "after", "difference")
    lines += ["", *table(head, (_row(item) for item in diff.changes), frozenset({3, 4, 5}))]
    lines += ["", "<details><summary>How each line is counted</summary>", ""]
    bases = [
        (item.line.resource, item.line.kind.value,
         item.before.basis if item.before else "", item.after.basis if item.after else "",
         item.line.source + (f", {item.line.as_of}" if item.line.as_of else ""))
        for item in diff.changes
    ]  # fmt: skip
    lines += table(("what", "for", "before", "after", "source"), bases)
    lines += ["", "</details>"]
    marked = [i for i in diff.after.diagnostics if i.severity.value != "note"]
    lines += ["", *(f"- {i.severity.value}: {clean(i.summary)}" for i in marked)] if marked else []
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return clean(text).replace("`", "'")
