"""Small bundles and hosts for tests: what a renderer would make, without one."""

from __future__ import annotations

import hashlib
import json

from planner.diff.differ import unit_name
from planner.diff.places import place_of
from planner.diff.values import Health, Observed, SeenWorkload
from planner.render.bundle import (
    Artifact,
    ArtifactKind,
    Bundle,
    File,
    HostBundle,
    Memory,
    Probe,
    Runtime,
    Workload,
)
from planner.render.manifest import read_manifest, render_manifest

PROJECT = "demo"


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def weights(name: str = "tiny.gguf", content: bytes = b"weights", folder: str = "/m") -> Artifact:
    key = hashlib.sha256(content).hexdigest()
    return Artifact(ArtifactKind.WEIGHTS, key, f"{folder}/{name}", len(content))


def workload(
    name: str,
    settings: str = "context 4096",
    runtime: Runtime = Runtime.COMPOSE,
    artifacts: tuple[Artifact, ...] = (),
    probe: Probe | None = None,
) -> Workload:
    model, _, index = name.rpartition("-")
    return Workload(
        name=name,
        resource=f"models.{model}[{index}]",
        runtime=runtime,
        digest=digest_of(f"{name} {settings}"),
        artifacts=tuple(artifact.key for artifact in artifacts),
        probe=probe or Probe(8000, "/health", seconds=30),
        port=8000,
        start_seconds=90,
    )


def host_bundle(
    *workloads: Workload,
    host: str = "box",
    artifacts: tuple[Artifact, ...] = (),
    surges: tuple[Workload, ...] = (),
    room: Memory = (),
) -> HostBundle:
    runtime = workloads[0].runtime if workloads else Runtime.COMPOSE
    files = []
    if any(w.runtime is Runtime.COMPOSE for w in workloads):
        services = {w.name: w.digest for w in workloads if w.runtime is Runtime.COMPOSE}
        files.append(File("compose.yaml", json.dumps({"services": services})))
    for w in workloads:
        if w.runtime is Runtime.SYSTEMD:
            files.append(File(f"units/{unit_name(PROJECT, w.name)}", f"digest {w.digest}\n"))
    rendered = render_manifest(PROJECT, host, tuple(files), workloads, artifacts, surges, room)
    files.append(rendered)
    return HostBundle(
        host, PROJECT, runtime, tuple(files), workloads, artifacts, surges=surges, room=room
    )


def bundle(*hosts: HostBundle) -> Bundle:
    return Bundle(PROJECT, hosts)


def as_rendered(wanted: HostBundle) -> Observed:
    """The host as it is right after the bundle was applied to it."""
    return Observed(
        host=wanted.host,
        release=wanted.digest,
        files={file.path: file.sha256 for file in wanted.files},
        workloads=tuple(
            SeenWorkload(w.name, w.runtime, w.digest, Health.RUNNING, f"id-{w.name}")
            for w in sorted(wanted.workloads, key=lambda w: w.name)
        ),
        artifacts=frozenset(place_of(artifact, PROJECT) for artifact in wanted.artifacts),
        units={
            unit_name(PROJECT, w.name): True
            for w in wanted.workloads
            if w.runtime is Runtime.SYSTEMD
        },
        releases=(wanted.digest,),
        manifests={wanted.digest: read_manifest(wanted.files[-1].content)},
        folder=True,
        ram_bytes=64 << 30,
        disk_free_bytes=1 << 40,
        docker="27.0.0",
        compose="2.30.0",
        systemd="255",
        tools=frozenset({"curl"}),
    )


def bare(host: str = "box") -> Observed:
    """A host that planner never touched."""
    return Observed(
        host=host,
        ram_bytes=64 << 30,
        disk_free_bytes=1 << 40,
        docker="27.0.0",
        compose="2.30.0",
        systemd="255",
        tools=frozenset({"curl"}),
    )
