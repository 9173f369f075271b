"""What placement has to say beside its answer: wishes it could not grant, facts it did not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.diagnostics import Diagnostic, note
from planner.farm import Farm, FarmModel, Placed
from planner.placement.demand import Demand
from planner.placement.problem import machine
from planner.room import Room


def idle_pins(models: Iterable[FarmModel]) -> Iterator[Diagnostic]:
    """A note for each model whose ``on`` names more hosts than it has replicas."""
    for model in models:
        replicas, on = model.spec.replicas, model.spec.on
        if len(on) > replicas:
            yield note(
                f"nothing of {model.name} runs on {', '.join(on[replicas:])}: "
                f"replicas is {replicas}",
                "models",
                model.name,
                "on",
                advice=f"write `replicas: {len(on)}` for one on each",
            )


def not_near(farm: Farm, placed: Iterable[Placed]) -> Iterator[Diagnostic]:
    """A note for each ``near`` that was not granted, or could not be understood."""
    hosts = {host.name: host for host in farm.hosts}
    for model in farm.models:
        wish = model.spec.near
        if wish is None:
            continue
        store = farm.blueprint.stores.get(wish)
        at = ("models", model.name, "near")
        if store is None or not store.on:
            advice = f"write stores.{wish}.on, or models.{model.name}.on"
            yield note(f"near {wish} says nothing: it is on no host yet", *at, advice=advice)
            continue
        there = {machine(hosts, name) for name in store.on if name in hosts}
        away = [r.host.name for r in placed if r.model.name == model.name]
        away = [name for name in away if machine(hosts, name) not in there]
        if away:
            yield note(
                f"{model.name} is on {', '.join(dict.fromkeys(away))}, not near {wish} on "
                f"{', '.join(store.on)}: there is no room, or it would cost more",
                *at,
            )


def unchecked(taken: Iterable[tuple[Room, Demand]]) -> Iterator[Diagnostic]:
    """A note for each host whose RAM or disk is used but not known."""
    ram: dict[str, None] = {}
    disk: dict[str, None] = {}
    for room, wanted in taken:
        name = room.host.name
        if room.ram_bytes is None and not room.ram_charges and wanted.ram_bytes:
            ram[name] = None
        if room.disk_bytes is None and not room.disk_charges and wanted.stored:
            disk[name] = None
    for name in ram:
        yield _not_checked("RAM", name, f"hosts.{name}.ram, such as 64GiB")
    for name in disk:
        yield _not_checked("disk", name, f"hosts.{name}.disk, such as 1TB")


def _not_checked(what: str, host: str, example: str) -> Diagnostic:
    summary = f"{what} of {host} is not known and was not checked"
    return note(summary, "hosts", host, advice=f"write {example}")
