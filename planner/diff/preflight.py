"""What a host lacks for what it should run: found before anything is changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.diagnostics import Diagnostic, error, warning
from planner.diff.foreign_links import refused
from planner.diff.places import place_of
from planner.diff.values import Observed
from planner.render.bundle import Artifact, ArtifactKind, HostBundle, Runtime
from planner.units import GIB, MIB

# what the host needs while an artifact arrives, as multiples of its size: an archive lies beside
# what is unpacked from it
_ROOM = {
    ArtifactKind.WEIGHTS: 1,
    ArtifactKind.ADAPTER: 1,
    ArtifactKind.HUB_FILES: 1,
    ArtifactKind.REGISTRY_IMAGE: 2,
    ArtifactKind.ROOT: 2,
    ArtifactKind.IMAGE: 2,
}


# drivers of one card report totals that differ by a little (ECC, firmware)
_ENOUGH = 0.98
# the first that drops what is sent straight to a container's address
_FENCED_DOCKER = 28


@dataclass(frozen=True, slots=True)
class NeededGpu:
    """A GPU the blueprint counts on: its catalogue name, what the driver calls it, its memory."""

    name: str
    driver_names: tuple[str, ...]
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class HostNeeds:
    """What a blueprint says of a host and the host itself can confirm."""

    gpus: tuple[NeededGpu, ...] = ()


def preflight(wanted: HostBundle, seen: Observed, needs: HostNeeds) -> tuple[Diagnostic, ...]:
    """What stands in the way on this host. Errors must stop an apply; warnings need not."""
    links = tuple(refused(seen))
    if not wanted.workloads:
        return links
    return (
        *links,
        *_runtime(wanted, seen),
        *_neighbours(wanted, seen),
        *_gpus(wanted.host, seen, needs),
        *_disk(wanted, seen),
        *_tools(wanted, seen),
        *_lock(wanted.host, seen),
    )


def _runtime(wanted: HostBundle, seen: Observed) -> Iterator[Diagnostic]:
    host = wanted.host
    runtimes = {workload.runtime for workload in wanted.workloads}
    if Runtime.SYSTEMD in runtimes and seen.systemd is None:
        yield error(
            f"{host} does not run systemd",
            "hosts",
            host,
            "runtime",
            advice="use runtime: compose for it, with Docker installed there",
        )
    if Runtime.COMPOSE not in runtimes:
        return
    if seen.docker is None:
        yield error(
            f"{host} has no Docker",
            "hosts",
            host,
            "runtime",
            advice="install Docker Engine there (https://docs.docker.com/engine/install/), "
            "or use runtime: systemd for it",
        )
    elif seen.docker_problem is not None:
        yield error(
            f"Docker on {host} does not answer",
            "hosts",
            host,
            "runtime",
            detail=seen.docker_problem,
            advice=f"start it on {host}: systemctl restart docker",
        )
    elif seen.compose is None:
        yield error(
            f"{host} has Docker, but not its compose plugin (v2)",
            "hosts",
            host,
            "runtime",
            advice=f"install it on {host}: apt-get install docker-compose-plugin",
        )


def _neighbours(wanted: HostBundle, seen: Observed) -> Iterator[Diagnostic]:
    """Before Docker 28 a neighbour who sets a route reaches published ports at the containers' own
    addresses, past the address they were published at, and so past the gateway's keys."""
    major = (seen.docker or "").partition(".")[0]
    keyed = any(workload.resource.startswith("gateway") for workload in wanted.workloads)
    if keyed and major.isdigit() and int(major) < _FENCED_DOCKER:
        yield warning(
            f"Docker {seen.docker} on {wanted.host} lets neighbours in its network past the keys",
            "hosts",
            wanted.host,
            detail="a machine beside it that sets a route reaches its containers directly",
            advice=f"install Docker {_FENCED_DOCKER} or newer there",
        )


def _gpus(host: str, seen: Observed, needs: HostNeeds) -> Iterator[Diagnostic]:
    """Compares GPUs by count and name; memory decides where the driver's name is unknown."""
    if not needs.gpus:
        return
    if len(seen.devices) < len(needs.gpus):
        names = ", ".join(device.name for device in seen.devices) or "none"
        yield error(
            f"{host} has {len(seen.devices)} of the {len(needs.gpus)} GPUs in the blueprint",
            "hosts",
            host,
            "gpus",
            value=names,
            detail="that is what nvidia-smi reports there" if seen.devices else None,
            advice=f"see what the driver says: ssh HOST nvidia-smi; then correct hosts.{host}.gpus",
        )
        return
    left = list(seen.devices)
    for number, gpu in enumerate(needs.gpus):
        match = next((device for device in left if _is(gpu, device.name)), left[0])
        left.remove(match)
        place = ("hosts", host, "gpus", number)
        if gpu.driver_names and not _is(gpu, match.name):
            yield warning(
                f"{host} seems to have another GPU than {gpu.name}",
                *place,
                value=match.name,
                advice=f"correct hosts.{host}.gpus when the driver is right",
            )
        if gpu.total_bytes and match.total_bytes < gpu.total_bytes * _ENOUGH:
            yield error(
                f"{match.name} on {host} has {match.total_bytes / GIB:.1f} GiB, not "
                f"{gpu.total_bytes / GIB:.1f} GiB",
                *place,
                detail="what runs there was sized for more memory than the driver reports",
                advice=f"write its memory: {{name: {gpu.name}, memory: "
                f"{match.total_bytes // MIB}MiB}}",
            )


def _is(gpu: NeededGpu, name: str) -> bool:
    """Whether the driver's name for a device is one of the catalogue's.

    Drivers add the edition ("... Workstation Edition") that people and catalogues leave out.
    """
    shown = _plain(name)
    return any(plain in shown or shown in plain for plain in map(_plain, gpu.driver_names))


def _plain(name: str) -> str:
    return name.lower().removeprefix("nvidia").replace(" ", "").replace("-", "")


def _disk(wanted: HostBundle, seen: Observed) -> Iterator[Diagnostic]:
    missing: dict[str, Artifact] = {}
    for artifact in wanted.artifacts:
        place = place_of(artifact, wanted.project)
        if place not in seen.artifacts:
            missing[place] = artifact
    needed = sum((item.bytes or 0) * _ROOM[item.kind] for item in missing.values())
    free = seen.disk_free_bytes
    if free is not None and needed > free:
        yield error(
            f"{wanted.host} has {free / GIB:.1f} GiB of disk left, and {needed / GIB:.1f} GiB are "
            f"to be stored",
            "hosts",
            wanted.host,
            "disk",
            detail="on the file system of /var/lib/planner",
            advice="free some there, or put a larger disk at /var/lib/planner",
        )


def _tools(wanted: HostBundle, seen: Observed) -> Iterator[Diagnostic]:
    fetched = any(
        artifact.kind is ArtifactKind.HUB_FILES
        and place_of(artifact, wanted.project) not in seen.artifacts
        for artifact in wanted.artifacts
    )
    if fetched and "curl" not in seen.tools:
        yield error(
            f"{wanted.host} has no curl to fetch model files with",
            "hosts",
            wanted.host,
            advice=f"install it on {wanted.host}: apt-get install curl",
        )


def _lock(host: str, seen: Observed) -> Iterator[Diagnostic]:
    if seen.lock is not None:
        yield warning(
            f"another run is at work on {host}", "hosts", host, detail=f"it says: {seen.lock}"
        )
