"""What runs on the hosts: text and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from planner.apply.watch import Heard
from planner.diff.values import Health, Observed, Plan, SeenWorkload
from planner.errors import PlannerError
from planner.farm import Placed
from planner.render.bundle import Workload
from planner.sizing.measured import Lesson
from planner.units import gib
from planner.views.lesson import lesson_lines, lesson_to_dict
from planner.views.replicas import Roles, replica_lines, replica_to_dict
from planner.views.terminal import Style, clean

Seen = Mapping[str, Observed | PlannerError]
Lessons = Mapping[tuple[str, str], Lesson]


def status_to_text(
    seen: Seen,
    replicas: Iterable[Placed],
    plan: Plan | None,
    style: Style,
    real: Lessons | None = None,
    heard: Mapping[tuple[str, str], Heard] | None = None,
    roles: Roles | None = None,
) -> str:
    """Host by host: the release, each workload with its state and address, and the cards; then all
    replicas as a table.

    ``real`` is what engines took beside what was predicted, ``heard`` what they say of themselves,
    both by host and workload; ``roles`` are names by model.
    """
    placed = {(item.host.name, item.name): item for item in replicas}
    lines: list[str] = []
    for host, item in seen.items():
        if isinstance(item, PlannerError):
            lines.append(f"{style.paint(host, 'bold')}  {style.paint('not reached', 'red')}")
            lines.append(f"  {clean(item.summary)}")
            continue
        release = f"release {item.release}" if item.release else "nothing of this project"
        lines.append(f"{style.paint(host, 'bold')}  {release}")
        for workload in item.workloads:
            lines.append(_workload(workload, placed.get((host, workload.name)), item, style))
            lines += lesson_lines((real or {}).get((host, workload.name)))
        lines += [_missing(p, style) for p in _absent(host, item, placed)]
        lines += [
            f"  gpu {card.index}  {clean(card.name)}  "
            f"{gib(card.used_bytes)} of {gib(card.total_bytes)} used"
            for card in item.devices
        ]
    running = [placed[key] for key in placed if key in _running(seen)]
    table = replica_lines(running, roles or {}, real or {}, heard or {})
    lines += ["", *table] if table else []
    if plan is not None:
        lines.append("")
        lines.append(_verdict(plan))
    return "\n".join(lines)


def _running(seen: Seen) -> set[tuple[str, str]]:
    return {
        (host, workload.name)
        for host, item in seen.items()
        if not isinstance(item, PlannerError)
        for workload in item.workloads
        if workload.health is Health.RUNNING
    }


def _workload(workload: SeenWorkload, placed: Placed | None, item: Observed, style: Style) -> str:
    color = "green" if workload.health is Health.RUNNING else "yellow"
    state = style.paint(f"{workload.health.value:<10}", color)
    rendered = _rendered(workload, item)
    where = f"port {rendered.port}" if rendered else "not in the blueprint"
    where = f"http://{placed.bind}:{placed.port}" if placed else where
    lines = [f"  {workload.name:<20} {state} {where}"]
    if workload.health is not Health.RUNNING and workload.detail:
        lines.append(f"    {clean(workload.detail)}")
    if placed:
        lines.append(f"    {placed.model.engine} serves {clean(placed.model.source.name)}")
    return "\n".join(lines)


def _rendered(workload: SeenWorkload, item: Observed) -> Workload | None:
    """What the host's release says of a workload that is no model's, such as the gateway."""
    manifest = item.manifests.get(item.release or "")
    every = manifest.workloads if manifest else ()
    return next((w for w in every if w.name == workload.name and "[" not in w.resource), None)


def _absent(host: str, item: Observed, placed: Mapping[tuple[str, str], Placed]) -> list[Placed]:
    there = {workload.name for workload in item.workloads}
    return [p for (name, workload), p in placed.items() if name == host and workload not in there]


def _missing(placed: Placed, style: Style) -> str:
    return f"  {placed.name:<20} {style.paint('absent    ', 'red')} not on the host yet"


def _verdict(plan: Plan) -> str:
    if plan.unseen:
        return f"not all hosts could be asked: {', '.join(plan.unseen)}"
    if plan.empty:
        return "everything is as the blueprint says"
    many = len(plan.operations)
    changes = "1 change makes" if many == 1 else f"{many} changes make"
    return f"{changes} it as the blueprint says; see them with: planner plan"


def status_to_dict(
    seen: Seen,
    replicas: Iterable[Placed],
    plan: Plan | None,
    real: Lessons | None = None,
    heard: Mapping[tuple[str, str], Heard] | None = None,
    roles: Roles | None = None,
) -> dict[str, Any]:
    """The same as values: hosts, their workloads and cards. Bytes are integers."""
    placed = {(item.host.name, item.name): item for item in replicas}
    said = heard or {}

    def replica(key: tuple[str, str]) -> dict[str, Any]:
        lesson = (real or {}).get(key)
        found = placed.get(key)
        return replica_to_dict(found, roles or {}, lesson, said.get(key)) if found else {}

    return {
        "hosts": [_host(host, item, placed, real or {}, replica) for host, item in seen.items()],
        "as_blueprint": plan.empty and not plan.unseen if plan else None,
    }


def _host(
    host: str,
    item: Observed | PlannerError,
    placed: Mapping[tuple[str, str], Placed],
    real: Lessons,
    replica: Callable[[tuple[str, str]], dict[str, Any]],
) -> dict[str, Any]:
    if isinstance(item, PlannerError):
        return {"host": host, "reached": False, "error": item.summary}
    return {
        "host": host,
        "reached": True,
        "release": item.release,
        "workloads": [
            {
                **_workload_dict(workload, placed.get((host, workload.name))),
                **replica((host, workload.name)),
                "memory": lesson_to_dict(real.get((host, workload.name))),
            }
            for workload in item.workloads
        ],
        "absent": [p.name for p in _absent(host, item, placed)],
        "devices": [
            {
                "index": card.index,
                "name": card.name,
                "uuid": card.uuid,
                "total_bytes": card.total_bytes,
                "used_bytes": card.used_bytes,
            }
            for card in item.devices
        ],
        "ram_bytes": item.ram_bytes,
        "disk_free_bytes": item.disk_free_bytes,
    }


def _workload_dict(workload: SeenWorkload, placed: Placed | None) -> dict[str, Any]:
    return {
        "name": workload.name,
        "resource": placed.resource if placed else None,
        "runtime": workload.runtime.value,
        "health": workload.health.value,
        "digest": workload.digest,
        "identity": workload.identity,
        "url": f"http://{placed.bind}:{placed.port}" if placed else None,
        "engine": placed.model.engine if placed else None,
    }
