"""What a plan is made of: what a host was seen to have, and the operations that close the gap.

An operation is small data. The executor walks the graph and decides nothing; views print one line
an operation; JSON is the same fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from planner.diagnostics import Diagnostic
from planner.render.bundle import Artifact, HostBundle, Runtime, Workload


class Health(StrEnum):
    """What a workload was seen to be."""

    RUNNING = "running"
    STARTING = "starting"
    UNHEALTHY = "unhealthy"
    STOPPED = "stopped"
    RESTARTING = "restarting"


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
    """One host, seen in a single round trip. ``files`` maps release paths to SHA-256."""

    host: str
    release: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    workloads: tuple[SeenWorkload, ...] = ()
    artifacts: frozenset[str] = frozenset()
    devices: tuple[SeenDevice, ...] = ()
    ram_bytes: int | None = None
    disk_free_bytes: int | None = None
    docker: str | None = None
    compose: str | None = None
    systemd: str | None = None
    releases: tuple[str, ...] = ()
    folder: bool = False


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

    kind = "operation"
    action = Action.UPDATE
    destructive = False


@dataclass(frozen=True, slots=True)
class PushArtifact(Operation):
    """Send a local file or archive to the host, with resume and SHA-256."""

    artifact: Artifact | None = None

    kind = "push"
    action = Action.CREATE


@dataclass(frozen=True, slots=True)
class FetchArtifact(Operation):
    """Have the host itself fetch an image by digest or model files at a pinned revision."""

    artifact: Artifact | None = None

    kind = "fetch"
    action = Action.CREATE


@dataclass(frozen=True, slots=True)
class WriteRelease(Operation):
    """Write the release folder, complete, beside the current one."""

    bundle: HostBundle | None = None

    kind = "write"
    action = Action.CREATE


@dataclass(frozen=True, slots=True)
class StopWorkload(Operation):
    """Stop and remove a workload that is no longer wanted."""

    workload: SeenWorkload | None = None

    kind = "stop"
    action = Action.DELETE
    destructive = True


@dataclass(frozen=True, slots=True)
class ActivateRelease(Operation):
    """Switch the ``current`` link to the release, in one atomic rename."""

    release: str = ""

    kind = "activate"


@dataclass(frozen=True, slots=True)
class StartWorkload(Operation):
    """Start or replace a workload of the current release."""

    workload: Workload | None = None
    replaces: bool = False

    kind = "start"
    action = Action.CREATE


@dataclass(frozen=True, slots=True)
class VerifyWorkload(Operation):
    """Wait until the workload answers as its probe asks."""

    workload: Workload | None = None

    kind = "verify"


@dataclass(frozen=True, slots=True)
class RemoveArtifact(Operation):
    """Remove an artifact nothing uses any more."""

    key: str = ""

    kind = "remove"
    action = Action.DELETE
    destructive = True


@dataclass(frozen=True, slots=True)
class RemoveProject(Operation):
    """Remove every folder, unit, image and link of the project from the host."""

    kind = "remove-project"
    action = Action.DELETE
    destructive = True


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

    ``keep`` counts workloads that stay as they are; ``reasons`` says per host why nothing is to
    do there; ``seen`` is a digest of what the plan was made against.
    """

    project: str
    operations: tuple[Operation, ...]
    interruptions: tuple[Interruption, ...] = ()
    keep: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.operations
