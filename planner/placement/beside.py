"""What runs beside the models: stores, services and the gateway, as far as their size is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.diagnostics import Diagnostic, error, note
from planner.farm import Farm
from planner.placement.demand import Demand, Stored
from planner.placement.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Footprint:
    """RAM and disk in bytes of a store or service; None is unknown."""

    ram_bytes: int | None = None
    disk_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A store, service or gateway with its hosts and its written port."""

    resource: str
    hosts: tuple[str, ...]
    port: int | None
    footprint: Footprint


def beside(farm: Farm, known: Mapping[str, Footprint]) -> tuple[Beside, ...]:
    """Everything of the blueprint that is no model; ``known`` sizes go by resource name."""
    blueprint = farm.blueprint
    found: list[tuple[str, tuple[str, ...], int | None]] = [
        (f"stores.{n}", store.on, None) for n, store in blueprint.stores.items()
    ]
    found += [(f"services.{n}", item.on, item.port) for n, item in blueprint.services.items()]
    if blueprint.gateway is not None:
        found.append(("gateway", blueprint.gateway.on, blueprint.gateway.port))
    return tuple(
        Beside(resource, on, port, known.get(resource, Footprint())) for resource, on, port in found
    )


def enter(things: Iterable[Beside], ledger: Ledger, names: Iterable[str]) -> tuple[Diagnostic, ...]:
    """Take what they need from the ledger; say what does not fit and what is not known."""
    hosts = set(names)
    found: list[Diagnostic] = []
    unknown: list[str] = []
    for thing in things:
        size = thing.footprint
        if size.ram_bytes is None or size.disk_bytes is None:
            unknown.append(thing.resource)
        stored = (Stored(thing.resource, size.disk_bytes),) if size.disk_bytes else ()
        demand = Demand((), size.ram_bytes or 0, stored, thing.port)
        for host in thing.hosts:
            if host not in hosts:
                continue  # resolve has named it already
            lacking = ledger.shortages(host, demand)
            if lacking:
                found.append(_refused(thing, host, "; ".join(map(str, lacking))))
            else:
                ledger.take(host, demand, thing.resource)
    if unknown:
        found.append(
            note(
                "RAM and disk are not known, and not counted, for " + ", ".join(unknown),
                advice="leave room for them: hosts.<name>.keep_free: {ram: 8GiB, disk: 100GB}",
            )
        )
    return tuple(found)


def _refused(thing: Beside, host: str, lacking: str) -> Diagnostic:
    return error(
        f"{thing.resource} has no room on {host}: {lacking}",
        *thing.resource.split("."),
        advice=f"name another host: {thing.resource}.on",
    )
