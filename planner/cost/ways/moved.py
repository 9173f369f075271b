"""Puts replicas on changed hosts where they stood, and sizes them there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from planner.cost.ways.values import ModelSpeed, Sizer
from planner.farm import Farm, FarmHost, FarmModel, Placed, Placement


def with_hosts(
    placement: Placement,
    changed: Mapping[str, FarmHost],
    size: Sizer,
    remodel: Callable[[FarmModel], FarmModel] = lambda model: model,
) -> tuple[Farm, Placement]:
    """The farm with ``changed`` hosts, each replica on the cards that stand where its own stood.

    ``remodel`` changes models that move, such as to another engine. A changed host without cards
    takes its replicas into RAM. Nothing is placed anew, so that only the hosts differ.
    """
    farm = placement.farm
    hosts = tuple(changed.get(host.name, host) for host in farm.hosts)
    moved = farm._replace(hosts=hosts)
    replicas = tuple(
        _moved(replica, changed[replica.host.name], size, remodel)
        if replica.host.name in changed
        else replica
        for replica in placement.replicas
    )
    return moved, Placement(moved, replicas, placement.left_out)


def _moved(
    replica: Placed, host: FarmHost, size: Sizer, remodel: Callable[[FarmModel], FarmModel]
) -> Placed:
    places = {device.index: place for place, device in enumerate(replica.host.devices)}
    devices = tuple(
        host.devices[places[device.index]]
        for device in replica.devices
        if places[device.index] < len(host.devices)
    )
    model = remodel(replica.model)
    return replace(
        replica, model=model, host=host, devices=devices, report=size(model, host, devices)
    )


def speeds_of(placement: Placement) -> tuple[ModelSpeed, ...]:
    """How fast each placed model answers, replicas together, one answer on each."""
    found: list[ModelSpeed] = []
    for model in placement.farm.models:
        own = [item.report for item in placement.replicas if item.model.name == model.name]
        if not own:
            continue
        fits = all(report.fits for report in own)
        known = [report.decode.expected for report in own if report.decode is not None]
        speed = sum(known) if fits and len(known) == len(own) else None
        found.append(ModelSpeed(model.name, speed, fits))
    return tuple(found)


def all_fit(placement: Placement, hosts: Mapping[str, FarmHost]) -> bool:
    """Whether every replica on these hosts fits."""
    return all(item.report.fits for item in placement.replicas if item.host.name in hosts)
