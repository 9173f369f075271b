"""Draws offers: a row each, the cheapest first."""

from __future__ import annotations

from typing import Any, Final

from planner.catalogue.provider import PriceFigure
from planner.cost.offers import OfferList, OfferRow
from planner.units import tokens
from planner.views.columns import aligned, clip
from planner.views.markdown import table
from planner.views.messages import diagnostic_json
from planner.views.terminal import Style, clean

_GPU_WIDTH: Final = 24
_MARKS: Final = {
    PriceFigure.LISTED: "",
    PriceFigure.LOWEST: ">",
    PriceFigure.MEAN: "~",
    PriceFigure.MEDIAN: "~",
    PriceFigure.TYPICAL: "~",
}


def offers_to_dict(found: OfferList) -> dict[str, Any]:
    """Amounts are texts in ``currency``; ``price`` is what the source says, in its currency."""
    return {
        "currency": found.currency,
        "offers": [_offer(row) for row in found.rows],
        "diagnostics": [diagnostic_json(item) for item in found.diagnostics],
    }


def _offer(row: OfferRow) -> dict[str, Any]:
    offer, report = row.offer, row.report
    speed = report.decode.expected if report and report.decode else None
    return {
        "provider": offer.provider,
        "gpu": offer.gpu,
        "device": row.device,
        "memory_bytes": row.memory_bytes,
        "gpus": row.gpus,
        "kind": offer.kind,
        "terms": offer.terms.value,
        "figure": offer.figure.value,
        "monthly": str(row.monthly.amount),
        "hourly": str(row.hourly.amount),
        "price": str(offer.price),
        "covers": offer.covers,
        "product": offer.product,
        "max_context": report.max_context if report else None,
        "tokens_per_second": None if speed is None else str(round(speed, 1)),
        "source": offer.source.url,
        "as_of": offer.source.date,
        "age_days": row.age_days,
        "stale": row.stale,
        "note": offer.note,
    }


def offers_to_text(found: OfferList, style: Style) -> str:
    """One line an offer; old prices are marked, and prices that are no list price.

    ``>`` is the lowest price seen, ``~`` a mean, median or typical one.
    """
    if not found.rows:
        return "no offer is known that would do\n"
    sized = any(row.report is not None for row in found.rows)
    cells = [_cells(row, sized) for row in found.rows]
    drawn = aligned(
        [
            _head(found, sized),
            *((name, _short(gpu, _GPU_WIDTH), *rest) for name, gpu, *rest in cells),
        ],
        right=_right(sized),
    )
    lines = [style.paint(drawn[0], "dim")]
    for row, line in zip(found.rows, drawn[1:], strict=True):
        lines.append(style.paint(line, "yellow") if row.stale else line)
    return "\n".join(lines) + "\n"


def offers_to_markdown(found: OfferList) -> str:
    """The same as a table, each date linked to its source."""
    sized = any(row.report is not None for row in found.rows)
    rows = [(*_cells(row, sized)[:-1], _linked(row)) for row in found.rows]
    lines = table(_head(found, sized), rows, _right(sized))
    notes = [f"- {item.severity.value}: {clean(item.summary)}" for item in found.diagnostics]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def _head(found: OfferList, sized: bool) -> tuple[str, ...]:
    last = ("tokens/s", "context") if sized else ("an hour",)
    return ("provider", "GPU", "kind", f"{found.currency}/month", *last, "as of")


def _right(sized: bool) -> frozenset[int]:
    return frozenset({3, 4, 5} if sized else {3, 4})


def _cells(row: OfferRow, sized: bool) -> tuple[str, ...]:
    offer = row.offer
    count = f"{row.gpus} x " if row.gpus > 1 else ""
    hourly = () if sized else (f"{row.hourly.amount:,.2f}",)
    return (
        clip(clean(offer.provider), 12),
        clean(f"{count}{row.device or offer.gpu}"),
        clip(clean(offer.kind), 13),
        f"{_MARKS[offer.figure]}{row.monthly.amount:,.2f}",
        *hourly,
        *(_speed(row) if sized else ()),
        _day(row),
    )


def _short(name: str, most: int) -> str:
    """A name in at most so many characters, cut in its middle: its ends tell cards apart."""
    if len(name) <= most:
        return name
    head = (most - 1) // 2
    return f"{name[:head]}~{name[head + 1 - most :]}"


def _speed(row: OfferRow) -> tuple[str, str]:
    report = row.report
    if report is None:
        return "", ""
    speed = f"{report.decode.expected:,.0f}" if report.decode else "?"
    context = tokens(report.max_context // 1024 * 1024) if report.max_context else "?"
    return speed, context


def _day(row: OfferRow) -> str:
    return f"{row.offer.source.date or 'undated'}{' old' if row.stale else ''}"


def _linked(row: OfferRow) -> str:
    url = row.offer.source.url
    return f"[{_day(row)}]({url})" if url else _day(row)
