"""What on a host is not as planner made it, though no plan would change it. Pure.

What planner did not make is named and left alone, with what its owner can type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.diff.differ import unit_name
from planner.diff.powers import beyond
from planner.diff.values import Health, Observed
from planner.render.bundle import Runtime, Workload
from planner.units import MIB


@dataclass(frozen=True, slots=True)
class SeenUnit:
    """A unit as systemd has it: where its file is, and what was laid over it."""

    name: str
    file: str
    drop_ins: tuple[str, ...] = ()
    stale: bool = False


@dataclass(frozen=True, slots=True)
class SeenContainer:
    """A container's own settings; ``image_id`` is what it runs, whatever its image's name means
    by now, and ``given`` what it may do, as Docker says it."""

    workload: str
    image: str
    image_id: str
    memory_bytes: int
    processes: int
    restart: str
    privileged: bool
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that listens on a port, or holds memory of a card; ``group`` is its control
    group."""

    pid: int
    name: str
    group: str
    port: int | None = None
    address: str = ""
    card: str | None = None
    used_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Inspected:
    """One host, looked at closely. ``images`` maps names to what they mean now; ``services`` are
    those of the compose file."""

    units: tuple[SeenUnit, ...] = ()
    containers: tuple[SeenContainer, ...] = ()
    images: Mapping[str, str] | None = None
    services: Mapping[str, Mapping[str, Any]] | None = None
    listeners: tuple[Process, ...] = ()
    on_cards: tuple[Process, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that differs: on which host, what, why planner thinks so, and what apply does."""

    host: str
    target: str
    cause: str
    apply: str


def findings(
    project: str, seen: Observed, inspected: Inspected, workloads: tuple[Workload, ...]
) -> tuple[Finding, ...]:
    """Everything that differs on one host beyond its plan."""
    host = seen.host
    return (
        *_units(host, inspected),
        *_containers(host, inspected),
        *_ports(project, seen, inspected, workloads),
        *_cards(project, seen, inspected),
    )


def _units(host: str, inspected: Inspected) -> Iterator[Finding]:
    for unit in inspected.units:
        for path in unit.drop_ins:
            yield Finding(
                host, unit.name, f"{path} is laid over it",
                f"leaves it; to take it away: systemctl revert {unit.name}",
            )  # fmt: skip
        if unit.stale:
            yield Finding(
                host, unit.name, "systemd runs another version of it than its files say",
                "leaves it; systemctl daemon-reload, then restart it",
            )  # fmt: skip


def _containers(host: str, inspected: Inspected) -> Iterator[Finding]:
    for container in inspected.containers:
        replace = f"leaves it; docker rm --force it, and apply starts {container.workload} anew"
        now = (inspected.images or {}).get(container.image)
        if now is not None and now != container.image_id:
            what = "is gone" if not now else "is another image by now"
            yield Finding(host, container.workload, f"{container.image} {what}", replace)
        service = (inspected.services or {}).get(container.workload)
        for name, wanted, found in _settings(container, service or {}):
            yield Finding(host, container.workload, f"its {name} is {found}, not {wanted}", replace)
        # without an entry for it there is nothing to hold it against
        for cause in beyond(container.given, service) if service else ():
            yield Finding(host, container.workload, cause, replace)


def _settings(
    container: SeenContainer, service: Mapping[str, Any]
) -> Iterator[tuple[str, object, object]]:
    """Name, wanted and found of each setting that differs from the compose file."""
    pairs = (
        ("memory limit", "mem_limit", container.memory_bytes),
        ("process limit", "pids_limit", container.processes),
        ("restart policy", "restart", container.restart),
    )
    for name, key, found in pairs:
        if key in service and service[key] != found:
            yield name, service[key], found
    if container.privileged and not service.get("privileged"):
        yield "privilege", "none", "everything"


def _ports(
    project: str, seen: Observed, inspected: Inspected, workloads: tuple[Workload, ...]
) -> Iterator[Finding]:
    # one that was paused, or fails and is started again, keeps its port
    serving = {
        w.name for w in seen.workloads if w.health is not Health.STOPPED or "(Paused)" in w.detail
    }
    for workload in workloads:
        for process in inspected.listeners:
            if process.port is None or process.port != workload.port:
                continue
            proxied = process.name == "docker-proxy" and workload.name in serving
            if _ours(project, seen, process, workload) or proxied:
                continue
            yield Finding(
                seen.host, f"port {process.port}",
                f"{process.name} (process {process.pid}) listens on {process.address}, "
                f"and {workload.name} is to",
                "leaves it, and fails: end it, or give the port to another",
            )  # fmt: skip


def _ours(project: str, seen: Observed, process: Process, workload: Workload | None = None) -> bool:
    """Whether a process belongs to a workload of the project; of one of them, when it is named."""
    found = [w for w in seen.workloads if workload is None or w.name == workload.name]
    marks = {
        w.identity if w.runtime is Runtime.COMPOSE else unit_name(project, w.name) for w in found
    }
    return any(mark and mark in process.group for mark in marks)


def _cards(project: str, seen: Observed, inspected: Inspected) -> Iterator[Finding]:
    names = {device.uuid: f"{device.name} #{device.index}" for device in seen.devices}
    for process in inspected.on_cards:
        if not _ours(project, seen, process):
            yield Finding(
                seen.host, names.get(process.card or "", process.card or "a card"),
                f"{process.name or 'somebody'} (process {process.pid}) holds "
                f"{process.used_bytes // MIB} MiB of it",
                "leaves it: planner did not start it",
            )  # fmt: skip
    if not inspected.on_cards and not any(w.health.serves for w in seen.workloads):
        for device in seen.devices:
            if device.used_bytes > 512 * MIB:  # a desktop takes some
                yield Finding(
                    seen.host, names[device.uuid],
                    f"{device.used_bytes // MIB} MiB of it are held, and nothing of planner's runs",
                    "leaves it: planner did not start it",
                )  # fmt: skip
