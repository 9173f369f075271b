"""Draws a SizeReport: as JSON for scripts, as bars and tables for people."""

from __future__ import annotations

import textwrap
from typing import Any

from planner.sizing.values import ColdStart, DeviceSize, SizeReport, Speed, Term
from planner.units import gib
from planner.views.bars import MARKS, OTHER, draw_legend
from planner.views.messages import diagnostic_json, draw_diagnostics
from planner.views.terminal import Style, clean


def report_json(report: SizeReport) -> dict[str, Any]:
    """The report as the design fixes it for scripts. Unknown is null."""
    return {
        "model": report.model,
        "engine": report.engine,
        "fits": report.fits,
        "devices": [_device_json(device) for device in report.devices],
        "host": {
            "terms": [_term_json(item) for item in report.host.terms],
            "used_bytes": report.host.used_bytes,
        },
        "kv_bytes_per_token": report.kv_bytes_per_token,
        "kv_capacity_tokens": report.kv_capacity_tokens,
        "max_context": report.max_context,
        "trained_context": report.trained_context,
        "decode_tokens_per_second": _speed_json(report.decode),
        "prefill_tokens_per_second": _speed_json(report.prefill),
        "cold_start_seconds": _cold_json(report.cold),
        "diagnostics": [diagnostic_json(item) for item in report.diagnostics],
    }


def _device_json(device: DeviceSize) -> dict[str, Any]:
    return {
        "device": device.device,
        "index": device.index,
        "total_bytes": device.total_bytes,
        "terms": [_term_json(item) for item in device.terms],
        "free_bytes": device.free_bytes,
    }


def _term_json(item: Term) -> dict[str, Any]:
    return {"name": item.name, "bytes": item.bytes, "why": item.why, "source": item.source}


def _speed_json(speed: Speed | None) -> dict[str, Any] | None:
    if speed is None:
        return None
    return {
        "low": round(speed.low, 2),
        "expected": round(speed.expected, 2),
        "high": round(speed.high, 2),
        "why": speed.why,
    }


def _cold_json(cold: ColdStart | None) -> dict[str, Any] | None:
    if cold is None:
        return None
    return {"low": round(cold.low, 1), "high": round(cold.high, 1), "why": cold.why}


def draw_report(report: SizeReport, style: Style, *, explain: bool = False) -> str:
    """A headline, a bar per device, the figures people ask for, and what was assumed."""
    verdict = (
        style.paint("fits", "green", "bold")
        if report.fits
        else style.paint("does not fit", "red", "bold")
    )
    lines = [f"{style.paint(report.model, 'bold')} on {report.engine}: {verdict}", ""]
    lines += [_bar(device, style) for device in _distinct(report.devices)]
    if report.devices:
        lines.append(_legend(report, style))
    lines.append("")
    lines += _figures(report)
    if explain:
        lines += ["", *_explained(report, style)]
    text = draw_diagnostics(report.diagnostics, style)
    return "\n".join(lines) + (f"\n\n{text}" if text else "") + "\n"


def _distinct(devices: tuple[DeviceSize, ...]) -> list[DeviceSize]:
    """One of each run of equal devices: eight ranks alike are one line."""
    shown: list[DeviceSize] = []
    for device in devices:
        if not shown or [t.bytes for t in shown[-1].terms] != [t.bytes for t in device.terms]:
            shown.append(device)
    return shown


def _bar(device: DeviceSize, style: Style) -> str:
    room = max(10, style.width - 50)
    total = max(device.total_bytes, device.used_bytes, 1)
    bar, drawn, seen = "", 0, 0
    for item in device.terms:
        seen += item.bytes
        width = room * seen // total - drawn
        letter, color = MARKS.get(item.name, OTHER)
        bar += style.paint(letter * width, color)
        drawn += width
    bar += "." * (room - drawn)
    free = device.free_bytes
    state = f"{gib(free)} free" if free >= 0 else style.paint(f"{gib(-free)} missing", "red")
    name = clean(device.device)[:18]
    return f"{name:<18} {device.index:>2} [{bar}] {gib(device.used_bytes)}, {state}"


def _legend(report: SizeReport, style: Style) -> str:
    shown = [term.name for device in report.devices for term in device.terms if term.bytes]
    return draw_legend(shown, style)


def _figures(report: SizeReport) -> list[str]:
    rows = []
    if report.host.used_bytes:
        rows.append(("host RAM", gib(report.host.used_bytes)))
    if report.kv_bytes_per_token:
        rows.append(("KV cache", f"{report.kv_bytes_per_token:,} bytes per token"))
    if report.kv_capacity_tokens:
        rows.append(("KV holds", f"{report.kv_capacity_tokens:,} tokens"))
    if report.max_context:
        rows.append(("longest", _longest(report.max_context, report.trained_context)))
    if report.kv_bytes_per_token or report.decode:  # what answers in tokens
        rows.append(("decode", _speed(report.decode)))
        rows.append(("prefill", _speed(report.prefill)))
    if report.cold is not None:
        rows.append(("cold start", f"{duration(report.cold.low)} to {duration(report.cold.high)}"))
    return [f"{name:<10} {value}" for name, value in rows]


def _longest(held: int, trained: int | None) -> str:
    if trained is None or held <= trained:
        return f"{held:,} tokens in one sequence"
    return f"{trained:,} tokens, as it was trained; memory holds {held:,}"


def _speed(speed: Speed | None) -> str:
    if speed is None:
        return "unknown"
    return f"{speed.expected:,.1f} tokens/s ({speed.low:,.1f} to {speed.high:,.1f})"


def _explained(report: SizeReport, style: Style) -> list[str]:
    """Every term with its formula and source."""
    lines: list[str] = []
    groups = [(f"{d.device} {d.index}", d.terms) for d in _distinct(report.devices)]
    for title, terms in [*groups, ("host", report.host.terms)]:
        lines.append(style.paint(title, "bold"))
        for item in terms:
            lines.append(f"  {item.name:<12} {gib(item.bytes):>12}")
            lines += _wrapped(item.why, style)
            if item.source:
                lines += _wrapped(f"source: {item.source}", style)
    for name, speed in (("decode", report.decode), ("prefill", report.prefill)):
        if speed is not None:
            lines.append(style.paint(name, "bold"))
            lines += _wrapped(speed.why, style)
    if report.cold is not None:
        lines += [style.paint("cold start", "bold"), *_wrapped(report.cold.why, style)]
    return lines


def duration(seconds: float) -> str:
    """``12 s``, ``4 min``: as exact as such a figure is."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _wrapped(text: str, style: Style) -> list[str]:
    return [f"      {line}" for line in textwrap.wrap(clean(text), style.width - 6)]
