"""Why a replica has no place: each host with what it lacks, and the cheapest change that helps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from planner.diagnostics import Diagnostic, Severity, error
from planner.farm import FarmModel
from planner.placement.attempt import Attempt, Sizer, why_not
from planner.placement.first_fit import first_fit
from planner.placement.ledger import Ledger
from planner.placement.room import Room
from planner.units import tokens

SMALLEST_CONTEXT: Final = 2048
_HOSTS_SHOWN: Final = 8


def no_place(
    model: FarmModel,
    names: tuple[str, ...],
    tried: tuple[Attempt, ...],
    rooms: Mapping[str, Room],
    ledger: Ledger,
    size: Sizer,
) -> Diagnostic:
    """An error for the replicas ``names`` of ``model``, none of which fit on what was tried."""
    hosts = _closest(tried)
    lines = [f"{host}: {why_not(attempt)}" for host, attempt in list(hosts.items())[:_HOSTS_SHOWN]]
    if len(hosts) > _HOSTS_SHOWN:
        lines.append(f"{len(hosts) - _HOSTS_SHOWN} more hosts")
    others = f" (and {len(names) - 1} more of {model.name})" if len(names) > 1 else ""
    pinned = bool(model.spec.on)
    where = f"on {', '.join(hosts)}" if pinned and hosts else "on any host"
    return error(
        f"{names[0]}{others} has no room {where}",
        "models",
        model.name,
        *(("on",) if pinned else ()),
        detail="; ".join(lines) or "the farm has no host for it",
        advice=_way_out(model, tried, rooms, ledger, size),
    )


def _closest(tried: tuple[Attempt, ...]) -> dict[str, Attempt]:
    """Per host the attempt that lacks least; hosts in the order tried."""
    best: dict[str, Attempt] = {}
    for attempt in tried:
        host = attempt.room.host.name
        if host not in best or _distance(attempt) < _distance(best[host]):
            best[host] = attempt
    return best


def _distance(attempt: Attempt) -> tuple[int, int]:
    if attempt.missing_bytes is not None:
        return (0, attempt.missing_bytes)
    return (1, 0) if attempt.report is not None else (2, 0)


def _way_out(
    model: FarmModel,
    tried: tuple[Attempt, ...],
    rooms: Mapping[str, Room],
    ledger: Ledger,
    size: Sizer,
) -> str | None:
    """The first change, from cheap to dear, that was tried out and makes the replica fit."""
    allowed = [rooms[n] for n in dict.fromkeys(a.room.host.name for a in tried)]
    for written, changed in _changes(model, tried):
        found = first_fit(changed, allowed, ledger, size, pinned=False).found
        if found is not None:
            host = found.room.host.name
            return f"write `{written}` under models.{model.name}: it then fits on {host}"
    if model.spec.on:
        found = first_fit(model, rooms.values(), ledger, size, pinned=False).found
        if found is not None:
            return f"leave models.{model.name}.on out, or name {found.room.host.name}: it has room"
    return _last_resort(model, tried)


def _changes(model: FarmModel, tried: tuple[Attempt, ...]) -> Iterator[tuple[str, FarmModel]]:
    """Changes that cost no money: a shorter context, then more equal cards of one host."""
    for context in _contexts(model, tried):
        yield f"context: {tokens(context)}", model._replace(context=context)
    cards = max((len(attempt.room.cards) for attempt in tried), default=0)
    count = 2 * (model.spec.tensor_parallel or 1)
    while count <= cards:
        spec = model.spec.model_copy(update={"tensor_parallel": count})
        yield f"tensor_parallel: {count}", model._replace(spec=spec)
        count *= 2


def _contexts(model: FarmModel, tried: tuple[Attempt, ...]) -> list[int]:
    """Contexts that sizing says would fit, in whole k, longest first."""
    asked = model.context or 0
    reports = [attempt.report for attempt in tried if attempt.report is not None]
    longest = {(r.max_context or 0) // 1024 * 1024 for r in reports}
    return sorted((c for c in longest if SMALLEST_CONTEXT <= c < asked), reverse=True)


def _last_resort(model: FarmModel, tried: tuple[Attempt, ...]) -> str | None:
    """What to type when nothing that was tried out helps."""
    if tried and not any(attempt.missing_bytes for attempt in tried):
        reports = [attempt.report for attempt in tried if attempt.report is not None]
        faults = [d for r in reports for d in r.diagnostics if d.severity is Severity.ERROR]
        if faults:
            return faults[0].advice
    cards = [card for attempt in tried for card in attempt.room.cards]
    if not cards:
        return (
            "add a host with a GPU or rent one, "
            "such as hosts.cloud: {rent: {provider: runpod, gpu: rtx-4090}}"
        )
    biggest = max(cards, key=lambda card: card.room_bytes)
    return (
        "a smaller quantization takes less: see "
        f"`planner fit {model.source.name} --on {biggest.device.device.id} --quant awq`"
    )
