"""What a change to a model costs: memory and speed beside those without it, and what it risks."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from planner.diagnostics import Diagnostic, DocumentPath, note
from planner.sizing.kv import bytes_per_token, parse_kv_types
from planner.sizing.size import engine_of, size
from planner.sizing.values import SizeReport, SizeRequest, Speed
from planner.units import gib

_WIDE: Final = frozenset({"f16", "bf16", "f32"})
_RISKS: Final = {
    "fp8": "small errors that add up in long answers; cards before Ada and Hopper convert it, "
    "which costs time",
    "int8": "small errors that add up in long answers",
    "q8_0": "hardly any",
    "q6_0": "little",
}
_NARROW_RISK: Final = "answers get worse, with keys more than with values: try q8_0 for the keys"


def changes(
    request: SizeRequest, report: SizeReport, path: DocumentPath = ()
) -> tuple[Diagnostic, ...]:
    """Notes on active experts and KV dtype where they are not the model's own; none without terms.

    ``report`` is the answer to ``request``, ``path`` the model's place in a blueprint.
    """
    if not (report.devices or report.host.terms):
        return ()
    found = []
    a = request.architecture
    experts = request.experts_per_token
    if experts and a.experts and experts != a.experts_per_token:
        found.append(_experts(request, report, experts, path))
    kv = parse_kv_types(request.kv_dtype, gguf=engine_of(request.engine).gguf)
    if bytes_per_token(a, kv) and {kv.key, kv.value} - _WIDE:
        found.append(_cache(request, report, (kv.key, kv.value), path))
    return tuple(found)


def _experts(
    request: SizeRequest, report: SizeReport, experts: int, path: DocumentPath
) -> Diagnostic:
    trained = request.architecture.experts_per_token
    plain = size(replace(request, experts_per_token=None))
    kept = "weights and KV cache per token stay as they are"
    parts = [kept, _grown(plain, report, "activations"), _speeds(plain.decode, report.decode)]
    return note(
        f"{experts} experts a token instead of {trained}: {', '.join(filter(None, parts))}",
        *_at(path, "experts_per_token"),
        detail="the risk: the model was trained with its own number, answers with another are "
        "untested",
    )


def _cache(
    request: SizeRequest, report: SizeReport, kinds: tuple[str, str], path: DocumentPath
) -> Diagnostic:
    # a half full context is where the difference in speed shows
    half = (request.context or request.architecture.max_position) // 2
    wide = size(replace(request, kv_dtype=None, depth=half))
    here = size(replace(request, depth=half))
    parts = [f"{wide.kv_bytes_per_token:,} -> {report.kv_bytes_per_token:,} bytes a token"]
    if report.kv_capacity_tokens != wide.kv_capacity_tokens:
        parts.append(f"{wide.kv_capacity_tokens:,} -> {report.kv_capacity_tokens:,} tokens held")
    else:
        parts.append(_grown(wide, report, "kv_cache"))
    speeds = _speeds(wide.decode, here.decode)
    parts.append(f"{speeds} with a half full context" if speeds else "")
    named = kinds[0] if kinds[0] == kinds[1] else "/".join(kinds)
    risks = dict.fromkeys(_RISKS.get(kind, _NARROW_RISK) for kind in kinds if kind not in _WIDE)
    return note(
        f"KV cache as {named}: {', '.join(filter(None, parts))}",
        *_at(path, "kv_dtype"),
        detail=f"the risk: {'; '.join(risks)}",
    )


def _at(path: DocumentPath, key: str) -> DocumentPath:
    return (*path, key) if path else ()


def _grown(before: SizeReport, after: SizeReport, name: str) -> str:
    """How a term changed over all places; empty where it did not."""
    one, two = _total(before, name), _total(after, name)
    return f"{name} {gib(one)} -> {gib(two)}" if one != two else ""


def _total(report: SizeReport, name: str) -> int:
    places = (*(device.terms for device in report.devices), report.host.terms)
    return sum(term.bytes for terms in places for term in terms if term.name == name)


def _speeds(before: Speed | None, after: Speed | None) -> str:
    if before is None or after is None:
        return ""
    return f"{before.expected:.0f} -> {after.expected:.0f} tokens/s"
