"""Builds every command that observes or changes a host. Pure: values in, commands out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from planner.diff.places import image_tag, part_of, place_of
from planner.errors import PlannerError
from planner.remote.script import Command, Script, inline_command, script_command, script_text
from planner.render.bundle import Artifact, ArtifactKind, Runtime, Workload
from planner.secret import SecretValue

# So long a workload that stops may take for what it was asked before: answers of minutes are usual,
# but where nothing serves meanwhile, others wait for it.
SERVED_SECONDS: Final = 120
ALONE_SECONDS: Final = 20
_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where planner puts things on a host, for one project."""

    project: str
    base: str = "/var/lib/planner"
    units: str = "/etc/systemd/system"
    locks: str = "/run/planner"

    def __post_init__(self) -> None:
        if not _PROJECT.fullmatch(self.project):
            raise PlannerError(f"{self.project!r} cannot name a project on a host")

    @property
    def home(self) -> str:
        """The project's own folder."""
        return f"{self.base}/{self.project}"

    def incoming(self, name: str) -> str:
        """Where a transfer named ``name`` is written to."""
        return f"{self.home}/incoming/{name}"

    def unit(self, workload: str) -> str:
        """The name of a workload's systemd unit."""
        return f"planner-{self.project}-{workload}.service"

    def script(self, script: Script, *args: str) -> Command:
        """A script's command; all of them take base, units and project first."""
        return script_command(script, self.base, self.units, self.project, *args)

    def piped(self, script: Script, given: bytes, *args: str) -> Command:
        """The command of a script that reads ``given``."""
        return inline_command(script, self.base, self.units, self.project, *args, given=given)


def observe(layout: Layout, *, full: bool = False) -> Command:
    """Print everything the host has of the project."""
    return layout.script(Script.OBSERVE, layout.locks, "full" if full else "brief")


def lock(layout: Layout, token: str, holder: str, silence_seconds: int) -> Command:
    """Hold the project's lock on the host until the input ends or is silent for so long."""
    words = (layout.locks, layout.project, token, holder, str(silence_seconds))
    return inline_command(Script.LOCK, *words)


def guarded(layout: Layout, token: str, command: Command, seconds: float) -> Command:
    """``command``, run only while the lock with ``token`` is held and no link leads out of the
    project's folder, and ended after ``seconds``."""
    words = (layout.locks, layout.project, token, str(math.ceil(seconds)), layout.base)
    guard = inline_command(Script.GUARD, *words)
    return Command((*guard.argv, *command.argv), command.stdin)


def unlock(layout: Layout, token: str) -> Command:
    """Take the lock with ``token`` away from whoever holds it."""
    return layout.script(Script.UNLOCK, layout.locks, token)


def begin_transfer(layout: Layout, part: str) -> Command:
    """Prepare a transfer; prints how much of it is there already."""
    return layout.script(Script.BEGIN_TRANSFER, part)


def finish_transfer(layout: Layout, artifact: Artifact) -> Command:
    """Check what was transferred and put it to use."""
    part = part_of(artifact, layout.project).removeprefix("incoming/")
    place = place_of(artifact, layout.project)
    match artifact.kind:
        case ArtifactKind.WEIGHTS | ArtifactKind.ADAPTER:
            return layout.script(Script.PLACE_FILE, part, artifact.key, place)
        case ArtifactKind.ROOT:
            return layout.script(Script.UNPACK_ROOT, part, artifact.key, place)
        case ArtifactKind.IMAGE:
            tag = image_tag(artifact, layout.project)
            return layout.script(Script.LOAD_IMAGE, part, artifact.key, tag)
        case ArtifactKind.HUB_FILES | ArtifactKind.REGISTRY_IMAGE:
            raise PlannerError(f"{artifact.key} is fetched by the host, not pushed")


def fetch(
    layout: Layout, artifact: Artifact, hub: str, token: SecretValue | None = None
) -> Command:
    """Have the host fetch an artifact itself; ``hub`` is the model hub's address, ``token`` what
    it asks for."""
    match artifact.kind:
        case ArtifactKind.HUB_FILES:
            known = dict(artifact.hashes)
            pairs = [text for name in artifact.files for text in (name, known.get(name, "-"))]
            place = place_of(artifact, layout.project)
            revision = artifact.revision or ""
            given = b"" if token is None else token.reveal() + b"\n"
            return layout.piped(
                Script.FETCH_HUB, given, hub.rstrip("/"), artifact.source, revision, place, *pairs
            )
        case ArtifactKind.REGISTRY_IMAGE:
            mark = image_tag(artifact, layout.project)
            return layout.script(Script.PULL_IMAGE, artifact.source, mark)
        case ArtifactKind.WEIGHTS | ArtifactKind.ADAPTER | ArtifactKind.ROOT | ArtifactKind.IMAGE:
            raise PlannerError(f"{artifact.key} is pushed, not fetched by the host")


def put_secret(
    layout: Layout, place: str, owner: int, users: tuple[str, ...], value: SecretValue
) -> Command:
    """Put a secret on the host, and mark the workloads that must start again to read it."""
    text = value.reveal()
    given = b"%d\n%b" % (len(text), text)
    return layout.piped(Script.PUT_SECRET, given, place, str(owner), *users)


def read_secret(layout: Layout, place: str) -> Command:
    """Print a secret."""
    return layout.script(Script.READ_SECRET, place)


def secrets_read(layout: Layout, workload: str) -> Command:
    """Take the mark off a workload that has started with the secrets that are there now."""
    return layout.script(Script.SECRETS_READ, workload)


def write_release(layout: Layout, part: str, release: str) -> Command:
    """Unpack a transferred release beside the current one."""
    return layout.script(Script.WRITE_RELEASE, part, release)


def activate(layout: Layout, release: str) -> Command:
    """Switch to a release."""
    return layout.script(Script.ACTIVATE, release)


def watch(layout: Layout, window_seconds: int, previous: str) -> Command:
    """Have the host go back to ``previous`` by itself when the run is gone for so long before it
    confirms another release."""
    texts = (script_text(script).decode() for script in (Script.GO_BACK, Script.ACTIVATE))
    return layout.script(Script.WATCH, layout.locks, str(window_seconds), previous, *texts)


def confirm(layout: Layout, proven: Iterable[Workload]) -> Command:
    """Note that these workloads have answered as they were told, and that the release stays."""
    return layout.script(Script.CONFIRM, *(workload.name for workload in proven))


def start(layout: Layout, runtime: Runtime, workload: str) -> Command:
    """Start a workload of the current release."""
    return layout.script(Script.START, runtime.value, workload, "start", "0")


def replace(layout: Layout, runtime: Runtime, workload: str, *, patience: int) -> Command:
    """Put a workload of the current release in the place of the one that runs, once that has
    answered what it was asked, for ``patience`` seconds at most."""
    return layout.script(Script.START, runtime.value, workload, "replace", str(patience))


def surge(layout: Layout, runtime: Runtime, workload: str) -> Command:
    """Start what serves beside a workload of the current release while that is replaced."""
    return layout.script(Script.START, runtime.value, workload, "surge", "0")


def stop(layout: Layout, runtime: Runtime, workload: str, *, patience: int) -> Command:
    """Stop a workload, once it has answered what it was asked, for ``patience`` seconds at most,
    and remove it."""
    return layout.script(Script.STOP, runtime.value, workload, str(patience))


def look(layout: Layout, runtime: Runtime, workload: str, *, log_lines: int = 0) -> Command:
    """Print how a workload is, and its last log lines."""
    return layout.script(Script.LOOK, runtime.value, workload, str(log_lines))


def remove(layout: Layout, place: str) -> Command:
    """Remove what lies at a place."""
    return layout.script(Script.REMOVE, place)


def remove_data(layout: Layout, name: str) -> Command:
    """Delete data for good."""
    return layout.script(Script.REMOVE_DATA, name)


def remove_project(layout: Layout) -> Command:
    """Remove everything of the project but its lock and its data."""
    return layout.script(Script.REMOVE_PROJECT)
