"""The smallest set of requirements that cannot hold together, found by leaving them out in turn.

Deletion filtering (Chinneck and Dravnieks, "Locating minimal infeasible constraint sets in linear
programs", 1991): a requirement without which it still does not fit is no part of the reason. What
is left cannot hold together, and without any one of it the rest can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from planner.farm import Farm
from planner.placement.trial import Bench

MOST: Final = 60  # requirements; a larger farm is not searched, every step solves it anew


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something the blueprint asks for; ``without`` is the farm that does not ask for it."""

    name: str
    without: Callable[[Farm], Farm]


def conflict(farm: Farm, bench: Bench, lost: frozenset[str]) -> tuple[str, ...]:
    """Names of an irreducible set of requirements that cannot hold together.

    ``lost`` are the models without a place: they are left out last, so that the reason names them.
    Empty when everything fits, or when there are too many requirements to search.
    """
    every = requirements(farm, lost)
    if len(every) > MOST or not bench.tried(farm).unplaced:
        return ()
    left, needed = farm, []
    for requirement in every:
        without = requirement.without(left)
        if bench.tried(without).unplaced:
            left = without
        else:
            needed.append(requirement.name)
    return tuple(reversed(needed))


def requirements(farm: Farm, lost: frozenset[str]) -> tuple[Requirement, ...]:
    """What can be left out, in the order in which it is tried: room kept free, pins, models."""
    found = [
        Requirement(f"hosts.{host.name}.keep_free", _without_reserve(host.name))
        for host in farm.hosts
        if host.spec.keep_free is not None
    ]
    models = [model for model in reversed(farm.models) if model.name not in lost]
    models += [model for model in reversed(farm.models) if model.name in lost]
    found += [Requirement(f"models.{m.name}", _without_model(m.name)) for m in models]
    found += [Requirement(f"models.{m.name}.on", _unpinned(m.name)) for m in models if m.spec.on]
    return tuple(found)


def _without_model(name: str) -> Callable[[Farm], Farm]:
    return lambda farm: farm._replace(models=tuple(m for m in farm.models if m.name != name))


def _unpinned(name: str) -> Callable[[Farm], Farm]:
    return lambda farm: unpinned(farm, name)


def _without_reserve(name: str) -> Callable[[Farm], Farm]:
    def without(farm: Farm) -> Farm:
        hosts = tuple(
            host._replace(spec=host.spec.model_copy(update={"keep_free": None}))
            if host.name == name
            else host
            for host in farm.hosts
        )
        return farm._replace(hosts=hosts)

    return without


def unpinned(farm: Farm, name: str) -> Farm:
    """The farm with one model free to go anywhere."""
    return farm._replace(
        models=tuple(
            m._replace(spec=m.spec.model_copy(update={"on": ()})) if m.name == name else m
            for m in farm.models
        )
    )
