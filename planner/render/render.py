"""Turns a placement into what every host should have: files, workloads, artifacts.

Pure: the same placement and templates give the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from planner.blueprint.schema import Blueprint
from planner.diagnostics import Diagnostic, error, note
from planner.engines.arguments import check_arguments, renamed_options
from planner.farm import Farm, FarmHost, Placed, Placement
from planner.render.bundle import (
    Artifact,
    Bundle,
    HostBundle,
    Probe,
    Runtime,
    ServedAdapter,
    Workload,
)
from planner.render.compose import render_compose
from planner.render.exposure import check_exposure
from planner.render.gateway import services
from planner.render.limits import deadline_seconds, start_seconds
from planner.render.manifest import render_manifest
from planner.render.rendered import NOTHING, Rendered, Renderer
from planner.render.replica import Replica, join
from planner.render.secrets import sources
from planner.render.service import Service
from planner.render.surge import apart, memory_for, memory_of, surges
from planner.render.systemd import render_systemd
from planner.room import Room, rooms

# One line a runtime.
RENDERERS: Final[Mapping[Runtime, Renderer]] = {
    Runtime.COMPOSE: render_compose,
    Runtime.SYSTEMD: render_systemd,
}


def render(
    placement: Placement, templates: Mapping[str, str]
) -> tuple[Bundle, tuple[Diagnostic, ...]]:
    """The bundle of a farm, and what was left out or must be pinned first.

    ``templates`` are the texts planner ships with, by name (``planner.sources.templates``). A host
    without replicas gets an empty bundle, so that what it has can be taken away. Where a
    diagnostic is an error the bundle is for reading, not for a host.
    """
    project = placement.farm.project
    found: list[Diagnostic] = list(_left_out(placement))
    second = {placed.resource: placed for placed in surges(placement)}
    beside = services(placement, templates)
    found += beside.diagnostics
    room_of, _ = rooms(placement.farm.hosts)
    bundles = []
    for host in placement.farm.hosts:
        if host.rented:
            continue
        here = tuple(placed for placed in placement.replicas if placed.host.name == host.name)
        others = beside.by_host.get(host.name, ())
        bundle, more = _host(placement.farm, host, here, second, others, templates, room_of)
        bundles.append(bundle)
        found += more
    return Bundle(project, tuple(bundles)), tuple(dict.fromkeys(found))


def _host(
    farm: Farm,
    host: FarmHost,
    here: tuple[Placed, ...],
    second: Mapping[str, Placed],
    beside: tuple[Service, ...],
    templates: Mapping[str, str],
    room_of: Mapping[str, Room],
) -> tuple[HostBundle, list[Diagnostic]]:
    project = farm.project
    runtime = Runtime(host.spec.runtime.value)
    declared = sources(farm.blueprint)
    found: list[Diagnostic] = []
    replicas: list[Replica] = []
    for placed in here:
        replica, more = join(project, placed, templates, farm.pins, declared)
        found += more
        if replica is not None:
            replicas.append(replica)
            found += check_arguments(replica.engine, replica.launch(placed.bind, placed.port))
            found += check_exposure(placed)
    found += (*_unnamed_cards(host, here), *_other_makers(here))
    surging = tuple(
        replace(replica, placed=second[replica.placed.resource])
        for replica in replicas
        if replica.placed.resource in second
    )
    if not replicas and not beside:
        return HostBundle(host.name, project, runtime, (), ()), found
    rendered = RENDERERS[runtime](project, host, tuple(replicas), beside)
    found += rendered.diagnostics
    again = RENDERERS[runtime](project, host, surging, ()) if surging else NOTHING
    gateway = farm.blueprint.gateway is not None
    workloads = _workloads(replicas, runtime, rendered, gateway=gateway)
    workloads += tuple(item.workload(runtime, rendered.digests[item.name]) for item in beside)
    surge = _workloads(surging, runtime, again, gateway=gateway)
    artifacts = _artifacts((*replicas, *beside))
    room = memory_for(host, room_of)
    files = (*rendered.files, *apart(again.files))
    manifest = render_manifest(project, host.name, files, workloads, artifacts, surge, room)
    files = (*files, manifest)
    names = dict.fromkeys(use.name for workload in workloads for use in workload.secrets)
    secrets = tuple(declared[name] for name in names)
    bundle = HostBundle(
        host.name, project, runtime, files, workloads, artifacts, secrets, surge, room
    )
    return bundle, found


def _unnamed_cards(host: FarmHost, here: tuple[Placed, ...]) -> Iterable[Diagnostic]:
    """Several cards that are told apart by their number alone."""
    used = [device for placed in here for device in placed.devices]
    if len(host.devices) > 1 and any(device.uuid is None for device in used):
        yield note(f"{host.name}'s cards are told apart by number", "hosts", host.name, "gpus",
                   detail="numbers can change when a card is added or the machine starts again",
                   advice=f"write their uuid, as `planner hosts probe {host.address}` prints it",
                   )  # fmt: skip


def _other_makers(here: tuple[Placed, ...]) -> Iterable[Diagnostic]:
    """Cards that no file of planner's hands over: a container or unit would not see them."""
    for placed in here:
        makers = {device.device.vendor.lower() for device in placed.devices} - {"nvidia"}
        if makers:
            yield error(f"cards of {', '.join(sorted(makers))} are not handed over yet", "models",
                        placed.model.name, "on", detail="the files that planner renders name "
                        "NVIDIA's cards only; everything else about the model can be sized",
                        advice="write on: a host with NVIDIA cards",
                        )  # fmt: skip


def _workloads(
    replicas: Iterable[Replica], runtime: Runtime, rendered: Rendered, *, gateway: bool
) -> tuple[Workload, ...]:
    return tuple(
        _workload(replica, runtime, rendered, gateway=gateway)
        for replica in replicas
        if replica.placed.name in rendered.digests
    )


def _workload(replica: Replica, runtime: Runtime, rendered: Rendered, *, gateway: bool) -> Workload:
    placed = replica.placed
    uses = rendered.secrets[placed.name]
    return Workload(
        name=placed.name,
        resource=placed.resource,
        runtime=runtime,
        digest=rendered.digests[placed.name],
        artifacts=tuple(artifact.key for artifact in replica.artifacts),
        probe=Probe(
            port=placed.port,
            path=replica.version.health,
            address=placed.bind,
            seconds=deadline_seconds(replica),
        ),
        port=placed.port,
        start_seconds=start_seconds(replica),
        devices=tuple(device.index for device in placed.devices),
        memory_share=placed.model.memory_share,
        secrets=uses,
        engine=replica.engine.name,
        settings=replica.engine.settings(replica.launch(placed.bind, placed.port)),
        adapters=tuple(ServedAdapter(*pair) for pair in replica.adapter_paths),
        hot=replica.hot,
        key=next((use.place for use in uses if use.name == replica.key), ""),
        version=replica.version.version,
        renamed=renamed_options(replica.engine, replica.launch(placed.bind, placed.port)),
        memory=memory_of(replica),
        gateway=gateway,
    )


def _artifacts(owners: Iterable[Replica | Service]) -> tuple[Artifact, ...]:
    """Each once, in the order of first use; two models may share a file or an image."""
    unique: dict[tuple[str, str, str], Artifact] = {}
    for owner in owners:
        for artifact in owner.artifacts:
            unique.setdefault((artifact.kind.value, artifact.folder, artifact.key), artifact)
    return tuple(unique.values())


def _left_out(placement: Placement) -> Iterable[Diagnostic]:
    """What this version does not render; whether that stops an apply is not decided here."""
    blueprint: Blueprint = placement.farm.blueprint
    for kind in ("stores", "services"):
        for name in getattr(blueprint, kind):
            yield note(f"{kind[:-1]} {name!r} is not rendered by this version", kind, name)
    for host in placement.farm.hosts:
        if host.rented:
            yield note(f"{host.name} is rented; nothing is rendered for it", "hosts", host.name)
