"""Which of what starts on a host is something that runs there now, under another name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from planner.diff.values import Observed
from planner.render.bundle import HostBundle, Workload


def renamed(wanted: HostBundle, seen: Observed) -> Mapping[str, str]:
    """The old names by the new ones: the same files for the same engine, one gone, one new.

    Its files stay where they are. An engine is told its name when it starts, so the old one stops
    and the new one starts.
    """
    names = {(w.name, w.runtime) for w in wanted.workloads}
    here = {(w.name, w.runtime) for w in seen.workloads}
    manifest = seen.manifests.get(seen.release or "")
    gone = [
        w
        for w in (manifest.workloads if manifest else ())
        if (w.name, w.runtime) in here - names and w.artifacts
    ]
    found: dict[str, str] = {}
    for new in wanted.workloads:
        if (new.name, new.runtime) in here:
            continue
        old = next((w for w in gone if _alike(w, new)), None)
        if old is not None:
            gone.remove(old)
            found[new.name] = old.name
    return found


def _alike(old: Workload, new: Workload) -> bool:
    return (old.engine, old.runtime, set(old.artifacts)) == (
        new.engine, new.runtime, set(new.artifacts)
    )  # fmt: skip
