"""Sets predicted terms against what an engine measured, and puts the real ones in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from planner.sizing.measured import Comparison, Learned, Lesson, Measured, Share
from planner.sizing.values import DeviceSize, SizeReport, Term
from planner.units import gib

_TERMS: Final = {
    "weights": "weights_bytes",
    "kv_cache": "kv_bytes",
    "activations": "compute_bytes",
    "graphs": "graph_bytes",
}
_SOURCE: Final = "the engine's log"


def compare(report: SizeReport, measured: Measured) -> tuple[Comparison, ...]:
    """Every figure that was both predicted and measured, in the report's order."""
    rows = []
    for share, device in zip(_shares(report, measured), report.devices, strict=True):
        place = f"{device.device} #{device.index}"
        rows += [_row(place, term, real) for term, real in _pairs(device.terms, share)]
    rows += [_row("RAM", term, real) for term, real in _pairs(report.host.terms, measured.host)]
    predicted, real = report.kv_capacity_tokens, measured.kv_tokens
    if predicted is not None and real is not None:
        rows.append(Comparison("pool", "kv_tokens", predicted, real, "tokens"))
    return tuple(rows)


def corrected(report: SizeReport, learned: Learned) -> SizeReport:
    """The report with measured terms where there are any; the rest stays as computed.

    A term's ``why`` keeps the computed figure. The same report when nothing was measured.
    """
    measured = learned.measured
    rows = compare(report, measured)
    if not rows:
        return report
    devices = tuple(
        replace(device, terms=_replaced(device.terms, share, learned))
        for device, share in zip(report.devices, _shares(report, measured), strict=True)
    )
    host = replace(report.host, terms=_replaced(report.host.terms, measured.host, learned))
    tokens = report.kv_capacity_tokens
    return replace(
        report,
        fits=report.fits and all(device.free_bytes >= 0 for device in devices),
        devices=devices,
        host=host,
        kv_capacity_tokens=tokens if measured.kv_tokens is None else measured.kv_tokens,
        lesson=Lesson(learned.host, learned.when, rows),
    )


def _shares(report: SizeReport, measured: Measured) -> list[Share]:
    """The measured share of each device of the report, empty where that cannot be told.

    Engines with equal ranks often let the first one speak for all.
    """
    shares, devices = measured.devices, report.devices
    if len(shares) == len(devices):
        return list(shares)
    if len(shares) == 1 and _alike(devices):
        return list(shares) * len(devices)
    return [Share()] * len(devices)


def _alike(devices: tuple[DeviceSize, ...]) -> bool:
    return len({tuple(term.bytes for term in device.terms) for device in devices}) == 1


def _pairs(terms: tuple[Term, ...], share: Share) -> list[tuple[Term, int]]:
    """Terms with their measured bytes; those that are nothing on both sides are left out."""
    figures = _figures(terms, share)
    known = [(term, figures.get(term.name)) for term in terms]
    return [(term, real) for term, real in known if real is not None and (real or term.bytes)]


def _figures(terms: tuple[Term, ...], share: Share) -> Mapping[str, int | None]:
    figures = {name: getattr(share, field) for name, field in _TERMS.items()}
    if any(term.name == "adapters" and term.bytes for term in terms):
        figures["weights"] = None  # some engines log adapter slots as part of the weights
    return figures


def _row(place: str, term: Term, real: int) -> Comparison:
    return Comparison(place, term.name, term.bytes, real)


def _replaced(terms: tuple[Term, ...], share: Share, learned: Learned) -> tuple[Term, ...]:
    real = {term.name: size for term, size in _pairs(terms, share)}
    return tuple(
        Term(term.name, real[term.name], _why(term, learned), _SOURCE)
        if term.name in real
        else term
        for term in terms
    )


def _why(term: Term, learned: Learned) -> str:
    seen = f"measured on {learned.host} by the engine, {learned.when[:10]}"
    return f"{seen}; computed {gib(term.bytes)}: {term.why}"
