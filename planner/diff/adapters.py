"""Adapters that change while their engine runs: what to load, and what to give up. Pure.

What a running workload serves is what the host's current release says of it: its engine reads that
at each start, and a release becomes the current one only after these operations.
"""

from __future__ import annotations

from collections.abc import Collection

from planner.diff.values import LoadAdapter, Observed, Operation, UnloadAdapter
from planner.render.bundle import HostBundle, ServedAdapter, Workload


def changes(
    wanted: HostBundle, seen: Observed, starts: Collection[str], after: tuple[str, ...]
) -> list[Operation]:
    """Loads and unloads on workloads that stay; ``starts`` are those that do not."""
    found: list[Operation] = []
    for workload in wanted.workloads:
        before = current(workload, seen)
        if workload.hot and before is not None and workload.name not in starts:
            found += _of(wanted.host, workload, before.adapters, after)
    return found


def current(workload: Workload, seen: Observed) -> Workload | None:
    """The workload as the host's current release has it."""
    manifest = seen.manifests.get(seen.release or "")
    same = (w for w in manifest.workloads if w.name == workload.name) if manifest else ()
    return next((w for w in same if w.runtime == workload.runtime), None)


def difference(workload: Workload, before: Workload | None) -> str:
    """Adapters that come, change and go, in words; empty where none does."""
    if before is None:
        return ""
    old = {item.name: item.path for item in before.adapters}
    new = {item.name: item.path for item in workload.adapters}
    parts = {
        "new": new.keys() - old.keys(),
        "changed": {name for name in new.keys() & old.keys() if new[name] != old[name]},
        "gone": old.keys() - new.keys(),
    }
    return "; ".join(
        f"{word}: {', '.join(sorted(names))}" for word, names in parts.items() if names
    )


def _of(
    host: str, workload: Workload, before: tuple[ServedAdapter, ...], after: tuple[str, ...]
) -> list[Operation]:
    old = {item.name: item for item in before}
    new = {item.name: item for item in workload.adapters}
    found: list[Operation] = [
        UnloadAdapter(
            id=f"{host}/unload/{workload.name}/{name}",
            host=host,
            target=f"{name} from {workload.name}",
            cause="not in the blueprint any more; the engine goes on",
            depends_on=after,
            workload=workload,
            adapter=item,
        )
        for name, item in old.items()
        if name not in new
    ]
    found += [
        LoadAdapter(
            id=f"{host}/load/{workload.name}/{name}",
            host=host,
            target=f"{name} into {workload.name}",
            cause="its files changed; the engine goes on" if name in old else
            "new in the blueprint; the engine goes on",
            depends_on=after,
            workload=workload,
            adapter=item,
            replaces=name in old,
        )
        for name, item in new.items()
        if item != old.get(name)
    ]  # fmt: skip
    return found
