"""Asks running engines whether they are still as they were told, and how fast. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.apply.ask import Line, line_to
from planner.apply.connections import Connections
from planner.apply.steps import Layout
from planner.diff.values import Health, Observed
from planner.engines.api import api_of
from planner.engines.api.values import NO_SPEED, Answers, Setting, Speed
from planner.errors import PlannerError
from planner.remote.transport import Transport
from planner.render.bundle import Workload


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine says of itself: each setting beside what it says of it, None for nothing.

    What it tells in its log alone is asked once, after its start.
    """

    settings: tuple[tuple[Setting, str | None], ...]
    speed: Speed = NO_SPEED

    @property
    def wrong(self) -> tuple[tuple[Setting, str], ...]:
        """Settings of which it says something else."""
        pairs = ((item, said) for item, said in self.settings if said is not None)
        return tuple((item, said) for item, said in pairs if not item.holds(said))


def watch(
    connections: Connections, layout: Layout, seen: Mapping[str, Observed | PlannerError]
) -> dict[tuple[str, str], Heard]:
    """What every running engine says, by host and workload; all hosts at once.

    One that does not answer, or that planner knows no way to ask, is left out.
    """
    wanted = {host: found for host, item in seen.items() if (found := _running(item))}

    def ask(host: str, transport: Transport) -> dict[str, Heard]:
        lines = (line_to(transport, layout, workload) for workload in wanted[host])
        pairs = ((line.workload.name, _heard(line)) for line in lines)
        return {name: heard for name, heard in pairs if heard is not None}

    answers = connections.each(wanted, ask)
    return {
        (host, name): heard
        for host, found in answers.items()
        if not isinstance(found, PlannerError)
        for name, heard in found.items()
    }


def _running(item: Observed | PlannerError) -> tuple[Workload, ...]:
    """Workloads that run as the host's current release says, with an engine that can be asked."""
    if isinstance(item, PlannerError):
        return ()
    manifest = item.manifests.get(item.release or "")
    up = {(w.name, w.digest) for w in item.workloads if w.health is Health.RUNNING}
    workloads = manifest.workloads if manifest else ()
    return tuple(w for w in workloads if (w.name, w.digest) in up and api_of(w.engine))


def _heard(line: Line) -> Heard | None:
    api = api_of(line.workload.engine)
    if api is None:
        return None
    paths = dict.fromkeys((*api.paths, *([api.metrics] if api.metrics else [])))
    bodies = line.bodies(paths)
    if not bodies:
        return None
    said = api.read(Answers(bodies))
    told = tuple((item, said.get(item.name)) for item in line.workload.settings)
    metrics = bodies.get(api.metrics or "")
    return Heard(told, api.speed(metrics) if isinstance(metrics, str) else NO_SPEED)
