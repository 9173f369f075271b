"""What a release is: the files, workloads and artifacts one host should have, as values.

A bundle is pure data. Its digest names the release folder on the host; equal input gives equal
bytes on every machine.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from planner.engines.api.values import Setting
from planner.secret import SecretSource, SecretUse

Memory = tuple[tuple[str, int], ...]
"""Bytes, by ``ram`` and the indices of cards."""
RAM: Final = "ram"


class Runtime(StrEnum):
    """What runs workloads on a host."""

    COMPOSE = "compose"
    SYSTEMD = "systemd"


class ArtifactKind(StrEnum):
    """What an artifact is once it lies on the host."""

    WEIGHTS = "weights"  # a file an engine reads
    ADAPTER = "adapter"  # a file of an adapter, in a folder with the adapter's others
    IMAGE = "image"  # a root folder archive that becomes a container image
    ROOT = "root"  # the same kind of archive, unpacked for RootDirectory=
    HUB_FILES = "hub-files"  # files of a model repository, fetched by the host itself
    REGISTRY_IMAGE = "registry-image"  # an image the host pulls by digest


@dataclass(frozen=True, slots=True)
class File:
    """A file of the release; ``path`` is relative to the release folder."""

    path: str
    content: str
    mode: int = 0o644

    @property
    def sha256(self) -> str:
        """Digest of the content."""
        return hashlib.sha256(self.content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something big that is not part of a release but must lie on the host before it starts.

    ``key`` names it on the host and never means two contents: a SHA-256 for pushed files, a
    repository with its commit for hub files, a reference with its digest for registry images.
    ``source`` is the local path, the hub repository, or the image reference. ``bytes`` is what
    must travel, None when unknown. ``hashes`` pairs hub files with the SHA-256 they must have.
    ``token`` is the secret that a hub asks for.
    ``folder`` is what the folder of an adapter's files is called.
    """

    kind: ArtifactKind
    key: str
    source: str
    bytes: int | None = None
    revision: str | None = None
    files: tuple[str, ...] = ()
    hashes: tuple[tuple[str, str], ...] = ()
    token: SecretSource | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """How to learn that a workload answers: an HTTP path on the host's own address.

    ``expect_json`` are key and value pairs that must be in the answer; ``seconds`` is how long
    loading may take.
    """

    port: int
    path: str
    address: str = "127.0.0.1"
    seconds: int = 600
    body: str | None = None


@dataclass(frozen=True, slots=True)
class ServedAdapter:
    """An adapter of a workload: its name, and its path as the engine sees it."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Workload:
    """One running thing on a host: a replica, store or service.

    ``name`` is the compose service or unit stem, ``resource`` the blueprint's name for it
    (``models.chat[0]``), ``digest`` of everything whose change must restart it, but for the values
    of its ``secrets``, which no file names. ``devices`` are the indices of its cards,
    ``memory_share`` what of each it may take (None: no cap): from them the next placement knows
    what runs where. ``engine`` is who answers in it; ``settings`` are what it was told and must say
    of itself once it runs. ``hot`` says that its adapters change while it runs, so that its digest
    does not cover them. ``key`` is the place of the secret that its clients must send. ``version``
    is its engine's; ``renamed`` are options it is told that other versions have under other names:
    each its name here, then the others. ``memory`` is what it takes, where that is known;
    ``gateway`` says that the gateway passes requests on to it.
    """

    name: str
    resource: str
    runtime: Runtime
    digest: str
    artifacts: tuple[str, ...] = ()
    probe: Probe | None = None
    port: int | None = None
    start_seconds: int = 60
    devices: tuple[int, ...] = ()
    memory_share: float | None = None
    secrets: tuple[SecretUse, ...] = ()
    engine: str = ""
    settings: tuple[Setting, ...] = ()
    adapters: tuple[ServedAdapter, ...] = ()
    hot: bool = False
    key: str = ""
    version: str = ""
    renamed: tuple[tuple[str, ...], ...] = ()
    memory: Memory = ()
    gateway: bool = False

    @property
    def owner(self) -> str:
        """What it is a replica of: ``models.chat`` of ``models.chat[0]``."""
        return self.resource.partition("[")[0]

    @property
    def number(self) -> int:
        """Which of its owner's replicas it is; 0 of what has none."""
        return int(self.resource.partition("[")[2].removesuffix("]") or 0)


@dataclass(frozen=True, slots=True)
class HostBundle:
    """All that one host should have. ``secrets`` says where those of its workloads come from.

    ``surges`` are what may serve beside a workload of the same resource while that is replaced;
    ``room`` is the memory that the host has for all of them.
    """

    host: str
    project: str
    runtime: Runtime
    files: tuple[File, ...]
    workloads: tuple[Workload, ...]
    artifacts: tuple[Artifact, ...] = ()
    secrets: tuple[SecretSource, ...] = ()
    surges: tuple[Workload, ...] = ()
    room: Memory = ()

    @property
    def digest(self) -> str:
        """Names the release: 16 hexadecimal digits over every file's path, mode and content."""
        rows = [[f.path, f.mode, f.sha256] for f in sorted(self.files, key=lambda f: f.path)]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A whole farm, rendered."""

    project: str
    hosts: tuple[HostBundle, ...]
