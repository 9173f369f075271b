"""Compares what one host should have with what it has: the operations that close the gap. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import zip_longest
from pathlib import PurePath
from types import MappingProxyType

from planner.diff import adapters, causes, surge, versions
from planner.diff.damaged import size_instead
from planner.diff.places import is_managed, part_of, place_of, used_places
from planner.diff.renames import renamed
from planner.diff.secrets import Values, cause_of_restart, put_secrets, secret_places
from planner.diff.surge import is_surge, surges
from planner.diff.values import (
    ActivateRelease,
    FetchArtifact,
    Observed,
    Operation,
    PushArtifact,
    PutSecret,
    RemoveArtifact,
    RemoveProject,
    SeenWorkload,
    StartSurge,
    StartWorkload,
    StopSurge,
    StopWorkload,
    VerifyWorkload,
    WriteRelease,
)
from planner.render.bundle import Artifact, ArtifactKind, HostBundle, Runtime, Workload

KEPT_RELEASES = 5
NO_VALUES: Values = MappingProxyType({})
_FETCHED = (ArtifactKind.HUB_FILES, ArtifactKind.REGISTRY_IMAGE)


def diff(
    wanted: HostBundle,
    seen: Observed,
    values: Values = NO_VALUES,
    wished: Collection[str] = frozenset(),
) -> tuple[Operation, ...]:
    """What has to be done on one host, in an order that respects ``depends_on``.

    ``wished`` are the owners of all that the farm asks for, also on other hosts: what goes to one
    of them has no other name here.

    Everything that can be done beside what runs comes first, so that a failure there leaves it
    alone. An empty bundle asks for the host to be left as it was before planner came.
    """
    if not wanted.files and not wanted.workloads:
        return _clear(wanted, seen)
    transfers = _transfers(wanted, seen)
    secrets = put_secrets(wanted, seen, values)
    starts = causes_of_start(wanted, seen, secrets)
    write = _write(wanted, seen)
    prepared = (*_ids(transfers), *_ids(secrets), *_ids(write))
    was = renamed(wanted, seen, wished)
    starts |= {new: f"it was {old} before" for new, old in was.items() if new in starts}
    ended = [
        *adapters.changes(wanted, seen, starts, prepared),
        *stops(wanted, seen, prepared, was),
    ]
    activate = _activate(wanted, seen, bool(write), (*prepared, *_ids(ended)))
    ready = _ids(activate) or (*prepared, *_ids(ended))
    running = running_steps(wanted, seen, starts, ready, was)
    changes = [*transfers, *secrets, *write, *ended, *activate, *running]
    return (*changes, *_leftovers(wanted, seen, _ids(changes)))


def kept(wanted: HostBundle, seen: Observed, values: Values = NO_VALUES) -> tuple[str, ...]:
    """The workloads that stay as they are."""
    starts = causes_of_start(wanted, seen, put_secrets(wanted, seen, values))
    return tuple(w.name for w in wanted.workloads if w.name not in starts)


def causes_of_start(wanted: HostBundle, seen: Observed, secrets: list[PutSecret]) -> dict[str, str]:
    """Why workloads have to be started or replaced on this host, by name; those that stay are
    left out."""
    found = {
        w.name: cause_of_start(w, seen) or cause_of_restart(w, seen, secrets)
        for w in wanted.workloads
    }
    return {name: why for name, why in found.items() if why}


def cause_of_start(workload: Workload, seen: Observed) -> str | None:
    """Why a workload has to be started or replaced on this host; None when it stays."""
    before = adapters.current(workload, seen)
    change, version = adapters.difference(workload, before), versions.change(workload, before)
    return causes.of_start(workload, _same(workload, seen), change, version)


def empty_bundle(host: str, project: str) -> HostBundle:
    """What a host should have when planner is to leave it."""
    return HostBundle(host, project, Runtime.COMPOSE, (), ())


def unit_name(project: str, workload: str) -> str:
    """The systemd unit of a workload."""
    return f"planner-{project}-{workload}.service"


def _same(workload: Workload, seen: Observed) -> SeenWorkload | None:
    """The workload as it was seen on the host."""
    for other in seen.workloads:
        if (other.name, other.runtime) == (workload.name, workload.runtime):
            return other
    return None


def _ids(operations: Iterable[Operation]) -> tuple[str, ...]:
    return tuple(operation.id for operation in operations)


def _transfers(wanted: HostBundle, seen: Observed) -> list[Operation]:
    """Pushes and fetches of what is not on the host."""
    found: dict[str, Operation] = {}
    for artifact in wanted.artifacts:
        place = place_of(artifact, wanted.project)
        if place in seen.artifacts:
            continue
        part = part_of(artifact, wanted.project)
        cause = causes.of_transfer(
            artifact,
            wanted,
            under_way=part in seen.artifacts,
            damaged=size_instead(seen, artifact, wanted.project),
        )
        kind = FetchArtifact if artifact.kind in _FETCHED else PushArtifact
        name = f"{wanted.host}/{kind.kind}/{place}"
        found[place] = kind(
            id=name, host=wanted.host, target=_title(artifact), cause=cause, artifact=artifact
        )
    return list(found.values())


def _title(artifact: Artifact) -> str:
    """What an artifact is called on the screen."""
    if artifact.kind in _FETCHED:
        return artifact.source
    path = PurePath(artifact.source)
    if artifact.kind is ArtifactKind.ADAPTER and path.name.startswith("adapter_"):
        return f"{path.parent.name}/{path.name}"  # all folders hold files of the same names
    return path.name


def _write(wanted: HostBundle, seen: Observed) -> list[Operation]:
    cause = causes.of_write(wanted, seen)
    if cause is None:
        return []
    return [
        WriteRelease(
            id=f"{wanted.host}/write/{wanted.digest}",
            host=wanted.host,
            target=f"release {wanted.digest}",
            cause=cause,
            bundle=wanted,
        )
    ]


def stops(
    wanted: HostBundle,
    seen: Observed,
    prepared: tuple[str, ...],
    was: Mapping[str, str] = MappingProxyType({}),
) -> list[Operation]:
    """Workloads that are on the host and in nobody's wish; ``was`` has old names by new ones.

    What serves beside another goes later, in running_steps().
    """
    names = {(w.name, w.runtime) for w in wanted.workloads}
    new = {old: name for name, old in was.items()}
    return [
        _stop(wanted.host, workload, prepared, new.get(workload.name, ""))
        for workload in seen.workloads
        if (workload.name, workload.runtime) not in names and not is_surge(workload.name)
    ]


def _stop(host: str, workload: SeenWorkload, after: tuple[str, ...], now: str = "") -> Operation:
    return StopWorkload(
        id=f"{host}/stop/{workload.name}",
        host=host,
        target=workload.name,
        cause=f"its name is {now} now" if now else causes.GONE,
        depends_on=after,
        workload=workload,
    )


def _activate(
    wanted: HostBundle, seen: Observed, written: bool, after: tuple[str, ...]
) -> list[Operation]:
    """The switch to the release: also when only systemd's links to it are not as they should be."""
    cause = causes.of_activation(wanted, seen, written, astray(wanted, seen))
    if cause is None:
        return []
    return [
        ActivateRelease(
            id=f"{wanted.host}/activate/{wanted.digest}",
            host=wanted.host,
            target=f"release {wanted.digest}",
            cause=cause,
            depends_on=after,
            release=wanted.digest,
        )
    ]


def astray(wanted: HostBundle, seen: Observed) -> list[str]:
    """Units of wanted workloads whose link is missing, leads elsewhere, or is off at boot."""
    units = [
        unit_name(wanted.project, workload.name)
        for workload in wanted.workloads
        if workload.runtime is Runtime.SYSTEMD
    ]
    return [unit for unit in units if not seen.units.get(unit)]


def running_steps(
    wanted: HostBundle,
    seen: Observed,
    starts: dict[str, str],
    ready: tuple[str, ...],
    was: Mapping[str, str] = MappingProxyType({}),
) -> list[Operation]:
    """Starts and proofs, and last the end of what an earlier run has left beside a workload."""
    steps = [*_runs(wanted, seen, starts, ready, was), *_proofs(wanted, seen, starts, ready)]
    taken = {step.workload.name for step in steps if isinstance(step, StartSurge)}
    left = [w for w in seen.workloads if is_surge(w.name) and w.name not in taken]
    why = "its run was cut off while it served beside another"
    after = _ids(steps) or ready
    return [*steps, *(replace(_stop(wanted.host, w, after), cause=why) for w in left)]


def _runs(
    wanted: HostBundle,
    seen: Observed,
    starts: dict[str, str],
    ready: tuple[str, ...],
    was: Mapping[str, str],
) -> list[Operation]:
    """Starts, and for each the proof that it answers; ``was`` has old names by new ones.

    Models load side by side; running replicas of one model are replaced one after the other, each
    once the one before it answers. What serves alone is replaced once a second one beside it
    answers, where there is room for that.
    """
    beside = surges(wanted, seen, starts)
    rounds: dict[int, list[tuple[Operation, ...]]] = {}
    last: dict[str, tuple[int, str]] = {}
    for workload in wanted.workloads:
        if workload.name not in starts:
            continue
        name, cause = workload.name, starts[workload.name]
        second = beside.get(name)
        if second is not None:
            before = (step for steps in rounds.get(second.turn - 1, ()) for step in steps)
            ended = _ids(step for step in before if isinstance(step, StopSurge))
            steps = _with(wanted.host, workload, cause, second.workload, (*ready, *ended))
            rounds.setdefault(second.turn, []).append(steps)
            continue
        model = workload.owner
        replaces = _same(workload, seen) is not None
        turn, previous = last.get(model, (-1, ""))
        turn, after = (turn + 1, (previous,)) if replaces and previous else (max(turn, 0), ())
        pair = _start(wanted.host, workload, cause, replaces, (*ready, *after))
        pair = (replace(pair[0], was=was.get(name, "")), pair[1])
        rounds.setdefault(turn, []).append(pair)
        last[model] = (turn, pair[1].id)
    return [
        step
        for turn in sorted(rounds)
        for steps in zip_longest(*rounds[turn])
        for step in steps
        if step is not None
    ]


def _with(
    host: str, workload: Workload, cause: str, second: Workload, after: tuple[str, ...]
) -> tuple[Operation, ...]:
    """A workload is replaced while a second one serves beside it."""
    first = surge.before(host, workload.name, second, after)
    answers = _verify(host, second, f"before {workload.name} is replaced", (first.id,))
    start, verify = _start(host, workload, cause, True, (answers.id,))
    start = replace(start, surge=second.name)
    return first, answers, start, verify, surge.after(host, workload.name, second, verify)


def _start(
    host: str, workload: Workload, cause: str, replaces: bool, after: tuple[str, ...]
) -> tuple[StartWorkload, VerifyWorkload]:
    start = StartWorkload(
        id=f"{host}/start/{workload.name}",
        host=host,
        target=workload.name,
        cause=cause,
        depends_on=after,
        workload=workload,
        replaces=replaces,
    )
    return start, _verify(host, workload, causes.of_verification(workload), (start.id,))


def _proofs(
    wanted: HostBundle, seen: Observed, starts: Collection[str], ready: tuple[str, ...]
) -> list[Operation]:
    """What an earlier apply started and did not see to answer, or to be as it was told."""
    return [
        _verify(wanted.host, w, f"{causes.UNPROVEN}; {causes.of_verification(w)}", ready)
        for w in wanted.workloads
        if w.name in seen.unproven and w.name not in starts
    ]


def _verify(host: str, workload: Workload, cause: str, after: tuple[str, ...]) -> VerifyWorkload:
    return VerifyWorkload(
        id=f"{host}/verify/{workload.name}",
        host=host,
        target=workload.name,
        cause=cause,
        depends_on=after,
        workload=workload,
    )


def _leftovers(wanted: HostBundle, seen: Observed, after: tuple[str, ...]) -> list[Operation]:
    """What nothing uses any more. It goes last: until then the way back is open."""
    project = wanted.project
    stay = _kept_releases(wanted, seen)
    used = used_places(wanted.artifacts, project) | secret_places(wanted.workloads)
    # a rollback needs what the release of then ran with
    for release in stay & seen.manifests.keys():
        used |= used_places(seen.manifests[release].artifacts, project)
        used |= secret_places(seen.manifests[release].workloads)
    # a transfer that goes on needs its part; one that is done has used it up
    used |= {
        part_of(artifact, project)
        for artifact in wanted.artifacts
        if place_of(artifact, project) not in seen.artifacts
    }
    if wanted.digest not in seen.releases:
        used.add(f"releases/{wanted.digest}.part")
    found = (seen.artifacts | seen.secrets.keys()) - used
    places = sorted(place for place in found if is_managed(place))
    places += [f"releases/{release}" for release in seen.releases if release not in stay]
    return [
        RemoveArtifact(
            id=f"{wanted.host}/remove/{place}",
            host=wanted.host,
            target=place,
            cause=causes.of_removal(place),
            depends_on=after,
            key=place,
        )
        for place in places
    ]


def _kept_releases(wanted: HostBundle, seen: Observed) -> set[str]:
    """The wanted release, the current one, however old, and the newest of the others."""
    current = [name for name in (seen.release, seen.pending) if name is not None]
    order = dict.fromkeys((wanted.digest, *current, *seen.releases))
    return set(list(order)[:KEPT_RELEASES])


def _clear(wanted: HostBundle, seen: Observed) -> tuple[Operation, ...]:
    """Remove everything of the project."""
    cause = "the project leaves this host"
    stops = [replace(_stop(wanted.host, w, ()), cause=cause) for w in seen.workloads]
    marked = any(is_managed(place) for place in seen.artifacts) or seen.units
    if not stops and not seen.folder and not marked:
        return ()
    remove = RemoveProject(
        id=f"{wanted.host}/remove-project/{wanted.project}",
        host=wanted.host,
        target=f"project {wanted.project}",
        cause=cause,
        depends_on=_ids(stops),
    )
    return (*stops, remove)
