"""A service beside the models, as values that both runtimes render: the gateway and what guards
engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from planner.render.bundle import RAM, Artifact, File, Probe, Runtime, Workload
from planner.secret import SecretUse


class Listen(NamedTuple):
    """A port of the host (``address``, ``port``) that leads to a port inside a container."""

    inside: int
    address: str
    port: int


class Mounted(NamedTuple):
    """A file of the release, and where the service sees it."""

    file: File
    path: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service to render.

    ``port`` is the one that others use, ``program`` the archive or image it comes in, None when it
    is on the host already; ``command`` the program with its arguments. ``volumes`` pairs names
    with paths of data that outlive it, ``sysctls`` are of its own network,
    ``capabilities`` the rights its program cannot start without. ``memory_bytes`` is what
    it is held to, ``grace_seconds`` how long it may finish what it is at; ``folders`` pairs
    folders of the host with where it sees them, to read only.
    """

    project: str
    name: str
    resource: str
    program: Artifact | None
    command: tuple[str, ...]
    listens: tuple[Listen, ...]
    files: tuple[Mounted, ...]
    secrets: tuple[SecretUse, ...]
    environment: tuple[tuple[str, str], ...]
    memory_bytes: int
    processes: int
    port: int
    probe: Probe
    start_seconds: int
    grace_seconds: int = 30
    volumes: tuple[tuple[str, str], ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = ()
    folders: tuple[tuple[str, str], ...] = ()

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """What must lie on the host before it starts."""
        return () if self.program is None else (self.program,)

    @property
    def fixed(self) -> tuple[Artifact, ...]:
        """What it cannot get new while it runs: all of it."""
        return self.artifacts

    def workload(self, runtime: Runtime, digest: str) -> Workload:
        """The service as a workload of its host."""
        return Workload(
            name=self.name,
            resource=self.resource,
            runtime=runtime,
            digest=digest,
            artifacts=tuple(artifact.key for artifact in self.artifacts),
            probe=self.probe,
            port=self.port,
            start_seconds=self.start_seconds,
            secrets=self.secrets,
            memory=((RAM, self.memory_bytes),),
        )
