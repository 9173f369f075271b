"""Changes that make a farm fit, the cheapest first, each tried out on the whole farm.

First what costs no money: a shorter context, another quantization, both, another host. Then one
rented card with its price, and one card to buy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from planner.catalogue.device import Device
from planner.catalogue.quantization import Family
from planner.engines.registry import find_engine
from planner.farm import Farm, FarmHost, FarmModel, HostDevice
from planner.money import Money
from planner.placement.conflict import unpinned
from planner.placement.trial import Bench, Trial
from planner.units import tokens

SMALLEST_CONTEXT: Final = 2048
_TRIED: Final = 8  # offers, and cards to buy, that are tried
_QUANTS: Final = {
    Family.SAFETENSORS: ("fp8", "awq"),
    Family.GGUF: ("Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M"),
}


@dataclass(frozen=True, slots=True)
class Market:
    """What can be had for money, cheapest first: hosts to rent, and cards to buy."""

    rent: tuple[tuple[FarmHost, Money], ...] = ()
    buy: tuple[tuple[Device, Money], ...] = ()


@dataclass(frozen=True, slots=True)
class WayOut:
    """What to write, and how many replicas have a place more."""

    text: str
    gained: int
    unplaced: int


def ways_out(
    farm: Farm,
    models: Iterable[FarmModel],
    bench: Bench,
    now: int,
    market: Market,
    longest: Mapping[str, tuple[int, ...]],
) -> tuple[WayOut, ...]:
    """At most one way of each kind under which fewer than ``now`` replicas have no place.

    ``longest`` are contexts that sizing says would fit, by model.
    """
    found: list[WayOut] = []
    named = tuple(models)

    def contexts(farm: Farm, model: FarmModel) -> Iterator[Change]:
        return _contexts(farm, model, longest.get(model.name, ()))

    for kind in (contexts, _quantizations, _both, _pins):
        if kind is _both and any(not way.unplaced for way in found):
            continue  # one change is enough
        way = _first((each for model in named for each in kind(farm, model)), bench, now)
        found += [way] if way else []
    for paid in (_rented(farm, market), _bought(farm, named, market)):
        way = _first(paid, bench, now)
        found += [way] if way else []
    return tuple(found)


Change = tuple[Farm, Callable[[Trial], str]]


def _first(changes: Iterable[Change], bench: Bench, now: int) -> WayOut | None:
    """The first change after which everything fits, else the first that helps at all."""
    helped: WayOut | None = None
    for farm, text in changes:
        trial = bench.tried(farm)
        if trial.unplaced < now:
            way = WayOut(text(trial), now - trial.unplaced, trial.unplaced)
            if not trial.unplaced:
                return way
            helped = helped or way
    return helped


def _with(farm: Farm, model: FarmModel) -> Farm:
    return farm._replace(models=tuple(model if m.name == model.name else m for m in farm.models))


def _fits(model: FarmModel, written: str) -> Callable[[Trial], str]:
    def text(trial: Trial) -> str:
        where = ", ".join(trial.hosts(model.name)) or "no host"
        return f"write `{written}` under models.{model.name}: it then fits on {where}"

    return text


def _contexts(farm: Farm, model: FarmModel, longest: tuple[int, ...]) -> Iterator[Change]:
    for context in _shorter(model, longest):
        changed = model._replace(context=context)
        yield _with(farm, changed), _fits(model, f"context: {tokens(context)}")


def _shorter(model: FarmModel, longest: tuple[int, ...]) -> list[int]:
    """Contexts to try instead of the one that is asked for, in whole k, longest first."""
    asked = model.context or 0
    parts = tuple(asked * eighths // 8 // 1024 * 1024 for eighths in (6, 4, 3, 2, 1))
    found = sorted({*longest, *parts}, reverse=True)
    return [context for context in found if SMALLEST_CONTEXT <= context < asked]


def _quantizations(farm: Farm, model: FarmModel) -> Iterator[Change]:
    for quant, changed in _smaller(model):
        yield _with(farm, changed), _fits(model, f"quant: {quant}")


def _smaller(model: FarmModel) -> Iterator[tuple[str, FarmModel]]:
    """The model in quantizations that take less, where its files leave the choice."""
    engine = find_engine(model.engine)
    if engine is None or model.gguf is not None or model.weights is not None:
        return
    known = _QUANTS.get(engine.reads, ())
    written = model.spec.quant or (model.quantization.name if model.quantization else "")
    start = known.index(written) + 1 if written in known else 0
    for quant in known[start:]:
        yield quant, model._replace(spec=model.spec.model_copy(update={"quant": quant}))


def _both(farm: Farm, model: FarmModel) -> Iterator[Change]:
    """A smaller quantization and a shorter context together, the longest that fits first."""
    for quant, changed in _smaller(model):
        for context in _shorter(model, ()):
            text = _fits(model, f"quant: {quant}` and `context: {tokens(context)}")
            yield _with(farm, changed._replace(context=context)), text


def _pins(farm: Farm, model: FarmModel) -> Iterator[Change]:
    if not model.spec.on:
        return

    def text(trial: Trial) -> str:
        where = ", ".join(trial.hosts(model.name))
        return f"leave models.{model.name}.on out, or name {where}: it has room"

    yield unpinned(farm, model.name), text


def _rented(farm: Farm, market: Market) -> Iterator[Change]:
    free = _free(farm)
    for host, price in market.rent[:_TRIED]:
        cards = f"{len(host.devices)} x {host.devices[0].device.id}"
        rent = host.spec.rent
        said = f"rent {cards} of {rent.provider if rent else 'a provider'} for {price} a month"
        yield free._replace(hosts=(*free.hosts, host)), lambda _, said=said: said  # type: ignore[misc]


def _bought(farm: Farm, models: tuple[FarmModel, ...], market: Market) -> Iterator[Change]:
    wanted = {name for model in models for name in model.spec.on}
    for device, price in market.buy[:_TRIED]:
        for place, host in enumerate(farm.hosts):
            if host.rented or (wanted and host.name not in wanted) or device.memory_bytes is None:
                continue
            new = HostDevice(len(host.devices), device, device.memory_bytes)
            hosts = list(farm.hosts)
            hosts[place] = host._replace(devices=(*host.devices, new))
            said = f"buy one {device.id} for {host.name}, from {price}"
            yield farm._replace(hosts=tuple(hosts)), lambda _, said=said: said  # type: ignore[misc]


def _free(farm: Farm) -> Farm:
    """A rented host helps only what is not tied to another."""
    for model in farm.models:
        farm = unpinned(farm, model.name) if len(model.spec.on) > 1 else farm
    return farm
