"""What another version of an engine changes about the options that a workload is told. Pure."""

from __future__ import annotations

from planner.render.bundle import Workload


def change(workload: Workload, before: Workload | None) -> str:
    """The versions, and the options that have another name now; empty where neither is so."""
    if before is None or not workload.version or not before.version:
        return ""
    if (before.engine, before.version) == (workload.engine, workload.version):
        return ""
    if before.engine != workload.engine:
        return f"{before.engine} -> {workload.engine}"
    renames = [f"{old} is now {new}" for old, new in _renames(workload, before)]
    versions = f"{workload.engine} {before.version} -> {workload.version}"
    return f"{versions}: {', '.join(renames)}" if renames else versions


def _renames(workload: Workload, before: Workload) -> list[tuple[str, str]]:
    """Pairs of an option that was told before and the one that took its place."""
    old = {names[0]: set(names[1:]) for names in before.renamed}
    new = {names[0]: set(names[1:]) for names in workload.renamed}
    return [
        (was, now)
        for was, of_was in old.items()
        for now, of_now in new.items()
        if was not in new and (now in of_was or was in of_now)
    ]
