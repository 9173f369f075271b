"""What takes a host back to a release that lies on it. Pure.

A rollback moves nothing over the network and removes nothing: the way forward stays open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.diagnostics import Diagnostic, error
from planner.diff import adapters, causes, differ
from planner.diff.damaged import size_instead, sound
from planner.diff.places import place_of
from planner.diff.planning import interruptions
from planner.diff.preflight import HostNeeds, preflight
from planner.diff.rolling import gated
from planner.diff.secrets import secret_places
from planner.diff.values import ActivateRelease, Observed, Operation, Plan
from planner.errors import PlannerError
from planner.render.bundle import Artifact, HostBundle, Runtime
from planner.render.manifest import Manifest


def target_of(seen: Observed, name: str | None = None) -> str | None:
    """The release to go back to: ``name`` or the beginning of it, else the one before the current.

    None when the host has none such, or more than one.
    """
    if name is not None:
        found = [release for release in seen.releases if release.startswith(name)]
        return found[0] if len(found) == 1 else None
    if seen.release not in seen.releases:
        return None
    after = seen.releases.index(seen.release) + 1
    return seen.releases[after] if after < len(seen.releases) else None


def plan_rollback(
    project: str,
    observed: Mapping[str, Observed | PlannerError],
    name: str | None,
    blueprint: str = "BLUEPRINT",
) -> Plan:
    """The plan that makes an earlier release current on every host that has it.

    What stands in the way is an error among the plan's diagnostics. ``blueprint`` is what the
    commands in them name.
    """
    hosts = {host: seen for host, seen in observed.items() if isinstance(seen, Observed)}
    targets = {host: target_of(seen, name) for host, seen in hosts.items()}
    wanted = {
        host: _bundle(project, host, hosts[host].manifests[target])
        for host, target in targets.items()
        if target in hosts[host].manifests
    }
    alone = {h: _steps(bundle, hosts[h], targets[h] or "") for h, bundle in wanted.items()}
    steps = gated(alone, hosts)
    return Plan(
        project=project,
        operations=tuple(step for host in steps for step in steps[host]),
        interruptions=tuple(i for host in steps for i in interruptions(steps[host], hosts[host])),
        kept={host: _kept(bundle, hosts[host]) for host, bundle in wanted.items()},
        reasons={
            host: _reason(seen, name, targets[host])
            for host, seen in hosts.items()
            if not steps.get(host)
        },
        seen={host: seen.fingerprint for host, seen in hosts.items()},
        releases={host: targets[host] for host in wanted},
        unseen={h: seen.summary for h, seen in observed.items() if isinstance(seen, PlannerError)},
        diagnostics=tuple(
            item
            for host, target in targets.items()
            if target is not None
            for item in _hindrances(wanted.get(host), hosts[host], target, blueprint)
        ),
    )


def safe_release(seen: Observed) -> str | None:
    """The release to come back to when the next one fails: the last that was confirmed.

    None when there is none, or when nothing of it serves: then nothing is won by going back.
    """
    if seen.pending is not None:
        return seen.pending if seen.pending in seen.manifests else None
    manifest = seen.manifests.get(seen.release or "")
    if manifest is None or seen.release is None:
        return None
    digests = {(workload.name, workload.digest) for workload in manifest.workloads}
    serves = any(
        w.health.serves and w.name not in seen.unproven and (w.name, w.digest) in digests
        for w in seen.workloads
    )
    return seen.release if serves else None


def way_back(project: str, seen: Observed, release: str) -> tuple[Operation, ...]:
    """The operations that bring a host to ``release``, one of its manifests, from where it is.

    Nothing is started beside what failed: the shortest way is the best.
    """
    bundle = _bundle(project, seen.host, seen.manifests[release])
    return _steps(replace(bundle, surges=()), seen, release)


def _kept(wanted: HostBundle, seen: Observed) -> tuple[str, ...]:
    starts = differ.causes_of_start(wanted, seen, [])
    return tuple(w.name for w in wanted.workloads if w.name not in starts)


def missing(manifest: Manifest, project: str, seen: Observed) -> tuple[Artifact, ...]:
    """What a release needs that is not on the host any more, or not as it was sent."""
    there = sound(seen, manifest.artifacts, project).artifacts
    return tuple(a for a in manifest.artifacts if place_of(a, project) not in there)


def _bundle(project: str, host: str, manifest: Manifest) -> HostBundle:
    """The release as the differ reads it; its files lie on the host already."""
    runtime = manifest.workloads[0].runtime if manifest.workloads else Runtime.COMPOSE
    return HostBundle(
        host,
        project,
        runtime,
        (),
        manifest.workloads,
        manifest.artifacts,
        surges=manifest.surges,
        room=manifest.room,
    )


def _steps(wanted: HostBundle, seen: Observed, target: str) -> tuple[Operation, ...]:
    short = target[: causes.SHORT]
    stops = [
        replace(stop, cause=f"not in release {short}") for stop in differ.stops(wanted, seen, ())
    ]
    starts = differ.causes_of_start(wanted, seen, [])
    loads = adapters.changes(wanted, seen, starts, ())
    after = tuple(step.id for step in (*loads, *stops))
    activate = _activate(wanted, seen, target, after)
    ready = tuple(step.id for step in activate) or after
    return (*loads, *stops, *activate, *differ.running_steps(wanted, seen, starts, ready))


def _activate(
    wanted: HostBundle, seen: Observed, target: str, after: tuple[str, ...]
) -> list[Operation]:
    settled = seen.release == target and seen.pending in (None, target)
    if settled and not differ.astray(wanted, seen):
        return []
    old = (seen.release or "none")[: causes.SHORT]
    return [
        ActivateRelease(
            id=f"{wanted.host}/activate/{target}",
            host=wanted.host,
            target=f"release {target}",
            cause=f"back from release {old}",
            depends_on=after,
            release=target,
        )
    ]


def _reason(seen: Observed, name: str | None, target: str | None) -> str:
    if target is not None:
        return f"release {target[: causes.SHORT]} is current, and what it runs is as it was"
    if name is None:
        return "it has no release from before the current one"
    several = any(release.startswith(name) for release in seen.releases)
    return f"more than one release begins with {name}" if several else f"it has no release {name}"


def _hindrances(
    wanted: HostBundle | None, seen: Observed, target: str, blueprint: str
) -> tuple[Diagnostic, ...]:
    """Why a host cannot go back to the release."""
    short = target[: causes.SHORT]
    if wanted is None:
        found = error(
            f"release {short} on {seen.host} does not say what it needs",
            "hosts", seen.host,
            detail="its manifest.json is gone, or another version of planner wrote it",
            advice=_other(wanted, seen, target, blueprint),
        )  # fmt: skip
        return (found,)
    manifest = seen.manifests[target]
    gone = tuple(
        error(
            f"release {short} needs {artifact.source}, which is "
            f"{'gone from' if size is None else 'damaged on'} {seen.host}",
            "hosts", seen.host,
            detail=f"{place_of(artifact, wanted.project)} "
            + ("is not there" if size is None else f"has {size} of its {artifact.bytes} bytes"),
            advice=_other(wanted, seen, target, blueprint),
        )
        for artifact in missing(manifest, wanted.project, seen)
        for size in [size_instead(seen, artifact, wanted.project)]
    )  # fmt: skip
    lost = tuple(
        error(
            f"release {short} needs {place}, which is gone from {seen.host}",
            "hosts", seen.host, advice=_other(wanted, seen, target, blueprint),
        )
        for place in sorted(secret_places(manifest.workloads) - seen.secrets.keys())
    )  # fmt: skip
    return (*gone, *lost, *preflight(wanted, seen, HostNeeds()))


def _other(wanted: HostBundle | None, seen: Observed, target: str, blueprint: str) -> str:
    """What to type when a release cannot be gone back to."""
    again = f"apply the blueprint of then, which brings it again: planner apply {blueprint}"
    for release in seen.releases:
        manifest = seen.manifests.get(release)
        if release in (target, seen.release) or wanted is None or manifest is None:
            continue
        if not missing(manifest, wanted.project, seen):
            return f"{again}; or take one that is whole: planner rollback {blueprint} {release}"
    return again
