"""Which of what is new is something that runs now under another name. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple, TypeVar

from planner.diff.values import Observed
from planner.render.bundle import HostBundle, Runtime, Workload

Place = TypeVar("Place")


class Kind(NamedTuple):
    """What stays when only a name changes: the files, and the engine that serves them."""

    engine: str
    runtime: Runtime
    files: frozenset[str]


def kind(workload: Workload) -> Kind:
    """The kind of what runs, or will."""
    return Kind(workload.engine, workload.runtime, frozenset(workload.artifacts))


def pairs(
    gone: Mapping[str, Collection[Place]],
    new: Collection[str],
    alike: Callable[[Place, str], bool],
) -> dict[str, str]:
    """The old names by the new ones. ``gone`` holds where each name that nobody wishes any more
    runs, ``alike`` tells whether a new one would be the same there.

    A name that could have been two others, or could be two now, is in no pair: which it is would
    be a guess.
    """
    could = {
        name: [old for old, places in gone.items() if all(alike(place, name) for place in places)]
        for name in new
    }
    claims = Counter(old for olds in could.values() for old in olds)
    return {
        name: olds[0] for name, olds in could.items() if len(olds) == 1 and claims[olds[0]] == 1
    }


def successors(gone: Collection[int], new: Collection[int]) -> dict[int, int]:
    """The old replicas' numbers by the new ones of a renamed model: equal ones first."""
    same = {number: number for number in new if number in gone}
    rest = (number for number in sorted(gone) if number not in same)
    free = (number for number in sorted(new) if number not in same)
    return same | dict(zip(free, rest, strict=False))


def renamed(
    wanted: HostBundle, seen: Observed, wished: Collection[str] = frozenset()
) -> Mapping[str, str]:
    """The old names of workloads of one host by the new ones. ``wished`` are the owners
    (``models.chat``) of what the whole farm asks for: one that moves has its name still.

    Its files stay where they are. An engine is told its name when it starts, so the old one stops
    and the new one starts.
    """
    here = {(w.name, w.runtime) for w in seen.workloads}
    manifest = seen.manifests.get(seen.release or "")
    asked = {*wished, *(workload.owner for workload in wanted.workloads)}
    gone = _by_owner(
        w
        for w in (manifest.workloads if manifest else ())
        if (w.name, w.runtime) in here and w.owner not in asked
    )
    new = _by_owner(w for w in wanted.workloads if (w.name, w.runtime) not in here)

    def alike(before: Workload, name: str) -> bool:
        return all(kind(before) == kind(now) for now in new[name].values())

    found = pairs({name: tuple(old.values()) for name, old in gone.items()}, new, alike)
    return {
        new[name][number].name: gone[old][before].name
        for name, old in found.items()
        for number, before in successors(gone[old], new[name]).items()
    }


def _by_owner(workloads: Iterable[Workload]) -> dict[str, dict[int, Workload]]:
    """By owner and number; what has no files cannot be told by them."""
    found: dict[str, dict[int, Workload]] = {}
    for workload in workloads:
        if workload.artifacts:
            found.setdefault(workload.owner, {})[workload.number] = workload
    return found
