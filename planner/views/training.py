"""Draws a training run: what each device holds, how long it takes, and where it may run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from planner.sizing.training.beside import BesideRow, Verdict
from planner.sizing.training.values import Hours, TrainReport
from planner.units import gib
from planner.views.columns import aligned, clip, pad
from planner.views.messages import diagnostic_json
from planner.views.terminal import Style, clean


def training_to_text(
    report: TrainReport, rows: Iterable[BesideRow], style: Style, *, explain: bool = False
) -> str:
    """The verdict, the terms of one device, tokens and hours, and the farm's devices."""
    rows = tuple(rows)
    parts = [_headline(report, style), _terms(report, style, explain), _figures(report)]
    if explain and report.hours is not None:
        parts.append("\n".join(_indented(f"{report.hours.why}; {report.hours.source}", style)))
    if rows:
        parts.append(_beside(rows, style))
    return "\n\n".join(parts) + "\n"


def _headline(report: TrainReport, style: Style) -> str:
    mark = style.paint("fits", "green", "bold")
    if not report.fits:
        mark = style.paint("does not fit", "red", "bold")
    where = report.devices[0].device if report.devices else "no device"
    count = f" x{len(report.devices)}" if len(report.devices) > 1 else ""
    name = style.paint(clean(report.model), "bold")
    return f"{report.method} of {name} on {clean(where)}{count}: {mark}"


def _terms(report: TrainReport, style: Style, explain: bool) -> str:
    device = report.devices[0]
    lines = []
    for term in device.terms:
        lines.append(f"  {pad(term.name, 14)} {pad(gib(term.bytes), 12, right=True)}")
        if explain:
            lines += _indented(term.why, style)
            lines += _indented(f"source: {term.source}", style)
    total = f"  {pad('together', 14)} {pad(gib(device.used_bytes), 12, right=True)}"
    if device.total_bytes:
        total += f" of {gib(device.total_bytes)}"
    return "\n".join([*lines, style.paint(total, "bold")])


def _figures(report: TrainReport) -> str:
    rows = [
        ("trained", f"{report.trained_parameters:,} parameters"),
        ("adapter", f"a file of {report.adapter_bytes / 1e6:,.1f} MB in 16 bit"),
    ]
    if report.tokens is not None:
        rows.append(("corpus", f"{report.tokens:,} tokens"))
        rows.append(("time", _hours(report.hours)))
    return "\n".join(f"  {pad(name, 14)} {text}" for name, text in rows)


def _hours(hours: Hours | None) -> str:
    if hours is None:
        return "unknown"
    usual, low, high = map(_time, (hours.expected, hours.low, hours.high))
    return f"{usual} ({low} to {high})"


def _time(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def _beside(rows: tuple[BesideRow, ...], style: Style) -> str:
    head = ("device", "needs", "free", "beside", "time", "when")
    table = [head]
    for row in rows:
        table.append(
            (
                clip(f"{row.host} #{row.index} {row.device}", 24),
                gib(row.need_bytes),
                gib(max(0, row.free_bytes)),
                clip(", ".join(row.replicas) or "-", 12),
                "-" if row.hours is None else _time(row.hours.expected),
                row.verdict.value,
            )
        )
    lines = aligned(table, right=frozenset({1, 2, 4}))
    drawn = [style.paint(lines[0], "dim"), *lines[1:]]
    for row in rows:
        drawn += _hint(row, style)
    return "\n".join(drawn)


def _hint(row: BesideRow, style: Style) -> list[str]:
    where, names = f"{row.host} #{row.index}", ", ".join(row.replicas)
    missing = gib(row.need_bytes - row.free_bytes)
    if row.verdict is Verdict.POOL:
        text = f"{where}: {missing} of the KV pool of {names} would be given back; it still holds "
        text += "one longest sequence"
    elif row.verdict is Verdict.STOP:
        text = f"{where}: {names} would stop while it trains; {missing} are missing beside it"
    else:
        return []
    return textwrap.wrap(clean(text), style.width, subsequent_indent="  ")


def _indented(text: str, style: Style) -> list[str]:
    return [f"      {line}" for line in textwrap.wrap(clean(text), style.width - 6)]


def training_to_dict(report: TrainReport, rows: Iterable[BesideRow]) -> dict[str, Any]:
    """The report for scripts: bytes as integers, hours as a band, unknown as null."""
    return {
        "model": report.model,
        "method": report.method.value,
        "fits": report.fits,
        "devices": [
            {
                "device": device.device,
                "index": device.index,
                "total_bytes": device.total_bytes,
                "terms": [term_dict(t.name, t.bytes, t.why, t.source) for t in device.terms],
                "used_bytes": device.used_bytes,
                "free_bytes": device.free_bytes,
            }
            for device in report.devices
        ],
        "trained_parameters": report.trained_parameters,
        "adapter_bytes": report.adapter_bytes,
        "tokens": report.tokens,
        "hours": _hours_dict(report.hours),
        "beside": [_row_dict(row) for row in rows],
        "diagnostics": [diagnostic_json(item) for item in report.diagnostics],
    }


def term_dict(name: str, count: int, why: str, source: str) -> dict[str, Any]:
    """One term for scripts."""
    return {"name": name, "bytes": count, "why": why, "source": source}


def _hours_dict(hours: Hours | None) -> dict[str, Any] | None:
    if hours is None:
        return None
    band = {"low": hours.low, "expected": hours.expected, "high": hours.high}
    rounded: dict[str, Any] = {name: round(value, 3) for name, value in band.items()}
    return {**rounded, "why": hours.why, "source": hours.source}


def _row_dict(row: BesideRow) -> dict[str, Any]:
    return {
        "host": row.host,
        "device": row.device,
        "index": row.index,
        "total_bytes": row.total_bytes,
        "free_bytes": row.free_bytes,
        "spare_pool_bytes": row.spare_bytes,
        "need_bytes": row.need_bytes,
        "verdict": row.verdict.name.lower(),
        "replicas": list(row.replicas),
        "hours": _hours_dict(row.hours),
    }
