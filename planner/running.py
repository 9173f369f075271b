"""What runs where now, as the hosts themselves say: what placement is to leave in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from planner.diagnostics import Diagnostic, warning
from planner.diff.renames import Kind, kind, pairs, successors
from planner.diff.values import Observed
from planner.errors import PlannerError
from planner.farm import Farm, FarmHost, Placed
from planner.placement.keep import Replica, Running
from planner.render.bundle import Workload
from planner.render.replica import needed

_REPLICA: Final = re.compile(r"models\.([^\[]+)\[(\d+)\]")
_WORKLOAD: Final = re.compile(r"(.+)-(\d+)")


Seen = Mapping[str, Observed | PlannerError]
Texts = Callable[[], Mapping[str, str]]


def running(seen: Seen, farm: Farm, templates: Texts) -> dict[Replica, Running]:
    """Where each replica runs, by model and index.

    A host's current release says which cards a replica was given, also while it is stopped. What
    a release does not name is known by the host of its container or unit alone. A replica found
    on two hosts counts where it serves, else where it is found first. A model that only has
    another name now is where its old name runs: its files lie there; ``templates``, the engines'
    rows, tell them, and are asked only when a name is gone and another is new. What the farm asks
    for and no host has is taken to be on a host that could not be asked: a second copy elsewhere
    would be worse than waiting for that host.
    """
    found: dict[Replica, Running] = {}
    serving: set[Replica] = set()
    for host, item in seen.items():
        if isinstance(item, PlannerError):
            continue
        names = (_named(work.name) for work in item.workloads if work.health.serves)
        serves = {name for name in names if name is not None}
        for replica, where in _on(host, item):
            if replica not in found or (replica in serves and replica not in serving):
                found[replica] = where
                serving |= serves & {replica}
    _rename(found, seen, farm, templates)
    silent = _silent(seen)
    for model in farm.models if silent else ():
        for index in range(model.spec.replicas):
            allowed = [host for host in silent if not model.spec.on or host in model.spec.on]
            if allowed:
                found.setdefault((model.name, index), Running(allowed[0]))
    return found


def _rename(found: dict[Replica, Running], seen: Seen, farm: Farm, templates: Texts) -> None:
    """Add the replicas that no host has, of models that run under a name nobody wishes any more."""
    wished = {model.name: model for model in farm.models}
    gone: dict[str, dict[int, tuple[FarmHost, Workload]]] = {}
    for host in farm.hosts:
        for (name, index), workload in _released(seen.get(host.name)):
            if name not in wished:
                gone.setdefault(name, {}).setdefault(index, (host, workload))
    lacking = {
        name: [index for index in range(model.spec.replicas) if (name, index) not in found]
        for name, model in wished.items()
    }
    new = [name for name, indices in lacking.items() if indices]
    if not gone or not new:
        return
    texts = templates()

    def alike(place: tuple[FarmHost, Workload], name: str) -> bool:
        host, workload = place
        cards = tuple(card for card in host.devices if card.index in workload.devices)
        would = needed(wished[name], host, cards, texts, farm.pins)
        return would is not None and kind(workload) == Kind(would[0], workload.runtime, would[1])

    places = {name: tuple(replicas.values()) for name, replicas in gone.items()}
    for name, old in pairs(places, new, alike).items():
        for index, before in successors(gone[old], lacking[name]).items():
            found[name, index] = found[old, before]


def assumed(seen: Seen, placed: Iterable[Placed]) -> Iterator[Diagnostic]:
    """A warning for each host that could not be asked and is taken to run what is free to move."""
    silent = _silent(seen)
    free = [replica for replica in placed if not replica.model.spec.on]
    for host in silent:
        names = [replica.name for replica in free if replica.host.name == host]
        if names:
            yield warning(
                f"{', '.join(names)} may run on {host}, which did not answer: not started anywhere "
                "else",
                "hosts",
                host,
                advice=f"to start it elsewhere, take hosts.{host} out of the blueprint",
            )


def _silent(seen: Seen) -> list[str]:
    return [host for host, item in seen.items() if isinstance(item, PlannerError)]


def _on(host: str, seen: Observed) -> Iterator[tuple[Replica, Running]]:
    named: set[Replica] = set()
    for replica, workload in _released(seen):
        named.add(replica)
        yield replica, Running(host, workload.devices, workload.memory_share)
    for seen_one in seen.workloads:
        known = _named(seen_one.name)
        if known is not None and known not in named:
            yield known, Running(host)


def _released(seen: Observed | PlannerError | None) -> Iterator[tuple[Replica, Workload]]:
    """The replicas of a host's current release."""
    if not isinstance(seen, Observed):
        return
    manifest = seen.manifests.get(seen.release or "")
    for workload in manifest.workloads if manifest else ():
        match = _REPLICA.fullmatch(workload.resource)
        if match:
            yield (match[1], int(match[2])), workload


def _named(workload: str) -> Replica | None:
    match = _WORKLOAD.fullmatch(workload)
    return (match[1], int(match[2])) if match else None
