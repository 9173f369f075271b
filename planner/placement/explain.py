"""Why replicas have no place, in few lines: each host with what it lacks, what cannot hold
together, and the cheapest changes that help, each tried out on the whole farm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from planner.diagnostics import Diagnostic, Severity, error
from planner.farm import Farm, FarmModel
from planner.placement.attempt import Attempt, why_not
from planner.placement.conflict import conflict
from planner.placement.trial import Bench
from planner.placement.ways_out import SMALLEST_CONTEXT, Market, WayOut, ways_out
from planner.units import gib

_HOSTS_SHOWN: Final = 3
_SHOWN: Final = 2  # models that get a block of their own, so that all of it is 12 lines at most
_WAYS_SHOWN: Final = 2
_SEARCHED: Final = 20_000  # replicas x hosts; a larger farm is not solved anew for each change


@dataclass(frozen=True, slots=True)
class Lost:
    """Replicas of one model without a place; ``tried`` is what was tried for them."""

    model: FarmModel
    names: tuple[str, ...]
    tried: tuple[Attempt, ...]


def explained(
    farm: Farm, lost: Sequence[Lost], bench: Bench, market: Callable[[], Market] | None = None
) -> tuple[Diagnostic, ...]:
    """Errors for what has no place: one a model, the third and further in one line."""
    if not lost:
        return ()
    shown = lost[:_SHOWN]
    if _searchable(farm):
        together = conflict(farm, bench, frozenset(item.model.name for item in lost))
        offers = market() if market else Market()
        advice = [_advised(farm, item, lost, together, bench, offers) for item in shown]
    else:
        together, advice = (), [_last_resort(item.model, item.tried) for item in shown]
    found = [
        _no_place(item, together if item is lost[0] else (), said)
        for item, said in zip(shown, advice, strict=True)
    ]
    rest = [name for item in lost[_SHOWN:] for name in item.names]
    if rest:
        models = ", ".join(item.model.name for item in lost[_SHOWN:][:4])
        found.append(error(f"{len(rest)} more replicas have no room, of {models}"))
    return tuple(found)


def _searchable(farm: Farm) -> bool:
    """Whether the farm is small enough to be solved anew for each change."""
    replicas = sum(model.spec.replicas for model in farm.models)
    return replicas * len(farm.hosts) <= _SEARCHED


def _advised(
    farm: Farm, item: Lost, lost: Sequence[Lost], together: Sequence[str], bench: Bench,
    market: Market,
) -> str | None:  # fmt: skip
    """What helps one model beside all that has a place, whatever becomes of the other lost ones.

    Changes of it are tried, and of those that it cannot hold together with.
    """
    others = {other.model.name for other in lost} - {item.model.name}
    left = farm._replace(models=tuple(m for m in farm.models if m.name not in others))
    involved = {name.split(".")[1] for name in together if name.startswith("models.")}
    models = [item.model]
    models += [m for m in left.models if m.name in involved - {item.model.name}]
    longest = {item.model.name: _contexts(item)}
    ways = ways_out(left, models, bench, len(item.names), market, longest)
    return _advice(item, ways, 1 if others else _WAYS_SHOWN)


def _contexts(lost: Lost) -> tuple[int, ...]:
    """Contexts that sizing says would fit, in whole k, longest first."""
    asked = lost.model.context or 0
    reports = [attempt.report for attempt in lost.tried if attempt.report is not None]
    longest = {(r.max_context or 0) // 1024 * 1024 for r in reports}
    return tuple(sorted((c for c in longest if SMALLEST_CONTEXT <= c < asked), reverse=True))


def _no_place(lost: Lost, together: tuple[str, ...], advice: str | None) -> Diagnostic:
    hosts, names, model = _closest(lost.tried), lost.names, lost.model
    lines = [f"{host}: {why_not(attempt)}" for host, attempt in list(hosts.items())[:_HOSTS_SHOWN]]
    need = _least(lost.tried)
    if need and not any(" GiB" in line for line in lines):
        lines.insert(0, f"it takes {gib(need)}")
    if len(hosts) > _HOSTS_SHOWN:
        lines.append(f"{len(hosts) - _HOSTS_SHOWN} more hosts")
    if len(together) > 1:
        lines.append(f"these cannot hold together: {', '.join(together)}")
    others = f" (and {len(names) - 1} more of {model.name})" if len(names) > 1 else ""
    pinned = bool(model.spec.on)
    where = f"on {', '.join(hosts)}" if pinned and hosts else "on any host"
    return error(
        f"{names[0]}{others} has no room {where}",
        "models",
        model.name,
        *(("on",) if pinned else ()),
        detail="; ".join(lines) or "the farm has no host for it",
        advice=advice,
    )


def _least(tried: tuple[Attempt, ...]) -> int | None:
    """The least memory of one device, or of RAM, that any attempt wanted."""
    sizes = [
        max([claim.bytes for claim in attempt.demand.cards] or [attempt.demand.ram_bytes])
        for attempt in tried
        if attempt.report is not None
    ]
    return min(sizes, default=None)


def _advice(lost: Lost, ways: tuple[WayOut, ...], most: int) -> str | None:
    """The cheapest ways that let everything fit; where none does, the one that helps most."""
    enough = [way for way in ways if not way.unplaced][:most]
    if enough:
        return "; or ".join(way.text for way in enough)
    if ways:
        best = max(ways, key=lambda way: way.gained)
        return f"{best.text} (then {best.unplaced} are still without a place)"
    return _last_resort(lost.model, lost.tried)


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
