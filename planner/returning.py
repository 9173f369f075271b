"""The verbs that bring a farm out of a bad moment: rollback and unlock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from planner import workflows
from planner.apply import steps
from planner.apply.connections import Connections
from planner.apply.observe import observe_all
from planner.apply.result import ApplyResult
from planner.apply.steps import Layout
from planner.deployment import Planned, addresses
from planner.diff.rollback import plan_rollback
from planner.diff.values import ActivateRelease, Observed
from planner.errors import ApplyFailedServing, HostLocked, PlannerError, UsageError
from planner.names import advise
from planner.remote.transport import Transport


@dataclass(frozen=True, slots=True)
class Lock:
    """A host's lock as it was seen: who holds it, and what tells it from any other."""

    holder: str
    token: str


@dataclass(frozen=True, slots=True)
class Locks:
    """The locks of a project: None for a host without one; what asking a host failed with."""

    connections: Connections
    layout: Layout
    found: dict[str, Lock | None]
    unreachable: dict[str, PlannerError]

    @property
    def held(self) -> dict[str, Lock]:
        """The hosts whose lock somebody holds."""
        return {host: lock for host, lock in self.found.items() if lock is not None}


@contextmanager
def going_back(path: Path, release: str | None) -> Iterator[Planned]:
    """Plan the way back to an earlier release: ``release``, or the one before the current.

    Raises UsageError when no host has such a release.
    """
    farm = workflows.require(workflows.validate(path))
    layout = Layout(farm.project)
    with Connections(addresses(farm, path)) as connections:
        seen = observe_all(connections, layout)
        plan = plan_rollback(farm.project, seen, release, str(path))
        planned = Planned(path, farm, (), plan, seen, connections, layout, ())
        if not plan.releases and not plan.diagnostics and len(plan.unseen) < len(seen):
            raise UsageError(
                f"no host has a release {release}" if release else "there is no way back",
                cause="; ".join(f"{host}: {why}" for host, why in plan.reasons.items()),
                advice=_known(seen),
            )
        yield planned


def refuse_incomplete(planned: Planned) -> None:
    """Raises ApplyFailedServing when a host lacks what its earlier release needs."""
    found = planned.plan.diagnostics
    if any(item.severity.value == "error" for item in found):
        raise ApplyFailedServing(
            "the rollback was refused, and nothing was changed", diagnostics=found
        )


def advise_going_on(planned: Planned, result: ApplyResult) -> None:
    """Say how to finish a rollback that failed: without a name, a second one would go further."""
    targets = {s.host: s.release for s in planned.plan.operations if isinstance(s, ActivateRelease)}
    for host, outcome in result.hosts.items():
        for failure in outcome.errors:
            if host in targets and (failure.advice is None or "same command" in failure.advice):
                failure.advice = f"planner rollback {planned.path} {targets[host]}"


@contextmanager
def locks(path: Path, host: str | None = None) -> Iterator[Locks]:
    """Look who holds the project's locks, on all hosts or one. Raises UsageError for no host."""
    farm = workflows.require(workflows.validate(path))
    known = addresses(farm, path)
    if host is not None and host not in known:
        raise UsageError(f"there is no host {host!r}", advice=advise(host, known, "hosts"))
    asked = known if host is None else {host: known[host]}
    layout = Layout(farm.project)
    with Connections(asked) as connections:
        seen = observe_all(connections, layout)
        found = {name: _lock(item) for name, item in seen.items() if isinstance(item, Observed)}
        failed = {name: item for name, item in seen.items() if isinstance(item, PlannerError)}
        yield Locks(connections, layout, found, failed)


def remove_locks(locks: Locks) -> dict[str, PlannerError]:
    """Remove the locks that were seen, and only those. Returns why one could not be."""

    def remove(host: str, transport: Transport) -> None:
        command = steps.unlock(locks.layout, locks.held[host].token)
        result = transport.run(command.argv, stdin=command.stdin, seconds=30)
        if not result.ok:
            raise PlannerError(
                f"the lock on {host} cannot be removed", where=host, cause=result.stderr.strip()
            )
        if not result.stdout.strip():
            raise HostLocked(
                f"the lock on {host} is not the one that was shown; it was left alone",
                where=host,
                cause="its run ended meanwhile, or another one has begun",
                advice=f"look again: planner unlock BLUEPRINT --host {host}",
            )

    outcomes = locks.connections.each(locks.held, remove)
    return {host: item for host, item in outcomes.items() if isinstance(item, PlannerError)}


def _lock(seen: Observed) -> Lock | None:
    return None if seen.lock is None else Lock(seen.lock, seen.lock_token or "")


def _known(seen: Mapping[str, Observed | PlannerError]) -> str:
    """Every release that lies on a host and is not current."""
    rows = [
        f"{release} ({host})"
        for host, item in seen.items()
        if isinstance(item, Observed)
        for release in item.releases
        if release != item.release
    ]
    if not rows:
        return "apply an earlier version of the blueprint instead"
    return f"releases that are not current: {', '.join(rows)}"
