"""What a plan is made of: what a host was seen to have, and the operations that close the gap.

An operation is small data. The executor walks the graph and decides nothing; views print one line
an operation; JSON is the same fields.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from planner.diagnostics import Diagnostic
from planner.render.bundle import Artifact, HostBundle, Runtime, ServedAdapter, Workload
from planner.render.manifest import Manifest
from planner.secret import SecretSource, SecretValue


class Health(StrEnum):
    """What a workload was seen to be."""

    RUNNING = "running"
    STARTING = "starting"
    UNHEALTHY = "unhealthy"
    STOPPED = "stopped"
    RESTARTING = "restarting"

    @property
    def serves(self) -> bool:
        """Whether it is left alone: it runs, or is on the way there."""
        return self in (Health.RUNNING, Health.STARTING)


@dataclass(frozen=True, slots=True)
class SeenWorkload:
    """A container or unit that carries planner's mark for this project."""

    name: str
    runtime: Runtime
    digest: str
    health: Health
    identity: str = ""  # container id, or main process id
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """A GPU as the driver reports it."""

    index: int
    uuid: str
    name: str
    total_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class Observed:
    """One host, seen in a single round trip.

    ``files`` maps paths of the current release to SHA-256. ``artifacts`` are places, as
    ``planner.diff.places`` names them, ``sizes`` the bytes of those that are pushed files.
    ``units`` are the project's unit links, by unit name: true when the link leads into the current
    release and starts the unit at boot. ``releases`` go from the newest to the oldest, and
    ``manifests`` says what each runs and needs, where that can be read. ``docker``, ``compose`` and
    ``systemd`` are versions, or ``present`` when the version was not asked for. ``docker_problem``
    says why containers could not be seen.
    ``pending`` is the release to go back to while the current one is not confirmed: the run that
    switched to it is at work, or was cut off.
    ``lock`` says who holds the project's lock; ``lock_token`` tells that lock from any other.
    ``data`` names what outlives workloads, with the workloads that use it now.
    ``secrets`` maps their places to fingerprints made with ``secret_key``, which lies on the host;
    ``unproven`` names the workloads that were started and not yet seen to be as they were told;
    ``unread_secrets`` names the workloads that have not started since one of theirs changed.
    ``foreign_links`` are links in the project's folder that planner did not make.
    ``others`` are projects that have a release here while this one has none.
    """

    host: str
    release: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    workloads: tuple[SeenWorkload, ...] = ()
    artifacts: frozenset[str] = frozenset()
    sizes: dict[str, int] = field(default_factory=dict)
    units: dict[str, bool] = field(default_factory=dict)
    devices: tuple[SeenDevice, ...] = ()
    ram_bytes: int | None = None
    disk_free_bytes: int | None = None
    docker: str | None = None
    compose: str | None = None
    systemd: str | None = None
    releases: tuple[str, ...] = ()
    manifests: dict[str, Manifest] = field(default_factory=dict)
    folder: bool = False
    tools: frozenset[str] = frozenset()
    lock: str | None = None
    lock_token: str | None = None
    docker_problem: str | None = None
    pending: str | None = None
    data: dict[str, tuple[str, ...]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    secret_key: SecretValue | None = None
    unread_secrets: frozenset[str] = frozenset()
    unproven: frozenset[str] = frozenset()
    foreign_links: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Digest of what a plan depends on, without what changes by itself.

        Free space does, and so does the state of a workload that keeps crashing.
        """
        rows = [
            self.release,
            sorted(self.files.items()),
            sorted((w.name, w.runtime) for w in self.workloads),
            sorted(self.artifacts),
            sorted(self.units.items()),
            sorted(self.releases),
            self.pending,
            sorted(self.unproven),
            self.docker is not None,
            self.compose is not None,
        ]
        if self.secrets:
            rows.append(sorted(self.secrets.items()))
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


class Action(StrEnum):
    """What a plan's line counts as."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Operation:
    """One planned change. Subclasses carry what the executor needs; all print the same way.

    ``target`` is what changes, ``cause`` why, ``depends_on`` the ids that must be done first.
    """

    id: str
    host: str
    target: str
    cause: str
    depends_on: tuple[str, ...] = ()

    kind: ClassVar[str] = "operation"
    destructive: ClassVar[bool] = False

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.UPDATE


@dataclass(frozen=True, slots=True, kw_only=True)
class PushArtifact(Operation):
    """Send a local file or archive to the host, with resume and SHA-256."""

    artifact: Artifact

    kind: ClassVar[str] = "push"

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.CREATE


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchArtifact(Operation):
    """Have the host itself fetch an image by digest or model files at a pinned revision."""

    artifact: Artifact

    kind: ClassVar[str] = "fetch"

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.CREATE


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSecret(Operation):
    """Put a secret's value on the host, as a file at ``place`` that only ``owner`` can read.

    ``users`` are the workloads that read it; they start again before the plan ends.
    """

    source: SecretSource
    place: str
    owner: int
    users: tuple[str, ...]
    replaces: bool = False

    kind: ClassVar[str] = "secret"

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.UPDATE if self.replaces else Action.CREATE


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRelease(Operation):
    """Write the release folder, complete, beside the current one."""

    bundle: HostBundle

    kind: ClassVar[str] = "write"

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.CREATE


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWorkload(Operation):
    """Stop and remove a workload that is no longer wanted."""

    workload: SeenWorkload

    kind: ClassVar[str] = "stop"
    destructive: ClassVar[bool] = True

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateRelease(Operation):
    """Switch the ``current`` link to the release, in one atomic rename."""

    release: str

    kind: ClassVar[str] = "activate"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartWorkload(Operation):
    """Start or replace a workload of the current release; ``was`` is the name of the one that it
    takes the place of, where that had another, ``surge`` of what serves meanwhile."""

    workload: Workload
    replaces: bool = False
    was: str = ""
    surge: str = ""

    kind: ClassVar[str] = "start"

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.UPDATE if self.replaces else Action.CREATE


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSurge(Operation):
    """Start what serves beside ``beside`` while that one is replaced."""

    workload: Workload
    beside: str

    kind: ClassVar[str] = "start-surge"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSurge(Operation):
    """Stop what served beside ``beside`` once nobody needs it, and remove it."""

    workload: Workload
    beside: str

    kind: ClassVar[str] = "stop-surge"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyWorkload(Operation):
    """Wait until the workload answers as its probe asks."""

    workload: Workload

    kind: ClassVar[str] = "verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadAdapter(Operation):
    """Have a running workload load an adapter, and see that it did.

    ``replaces`` says that it serves another one of that name.
    """

    workload: Workload
    adapter: ServedAdapter
    replaces: bool = False

    kind: ClassVar[str] = "load"

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.UPDATE if self.replaces else Action.CREATE


@dataclass(frozen=True, slots=True, kw_only=True)
class UnloadAdapter(Operation):
    """Have a running workload give an adapter up, and see that it did."""

    workload: Workload
    adapter: ServedAdapter

    kind: ClassVar[str] = "unload"

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveArtifact(Operation):
    """Remove an artifact nothing uses any more. ``key`` is its place on the host."""

    key: str

    kind: ClassVar[str] = "remove"
    destructive: ClassVar[bool] = True

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveProject(Operation):
    """Remove every folder, unit, image and link of the project from the host."""

    kind: ClassVar[str] = "remove-project"
    destructive: ClassVar[bool] = True

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveData(Operation):
    """Delete data for good. Only somebody who has typed its name gets this planned."""

    name: str

    kind: ClassVar[str] = "remove-data"
    destructive: ClassVar[bool] = True

    @property
    def action(self) -> Action:
        """What the operation counts as."""
        return Action.DELETE


@dataclass(frozen=True, slots=True)
class Interruption:
    """A workload that stops answering while the plan runs, and for about how long."""

    host: str
    workload: str
    seconds: int
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Every change, in an order that respects ``depends_on``; and why hosts need none.

    ``kept`` names per host the workloads that stay as they are; ``reasons`` says per host why
    nothing is to do there; ``seen`` is a digest of what the plan was made against; ``releases``
    the release each host has once the plan is carried out, None when nothing stays; ``unseen``
    says why a host could not be asked: nothing is planned for it.
    """

    project: str
    operations: tuple[Operation, ...]
    interruptions: tuple[Interruption, ...] = ()
    kept: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    releases: dict[str, str | None] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def keep(self) -> int:
        """How many workloads stay as they are."""
        return sum(len(names) for names in self.kept.values())

    @property
    def hosts(self) -> tuple[str, ...]:
        """Hosts with something to do, in the order of the operations."""
        return tuple(dict.fromkeys(operation.host for operation in self.operations))

    def of(self, host: str) -> tuple[Operation, ...]:
        """The operations on one host."""
        return tuple(item for item in self.operations if item.host == host)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.operations
