"""Which files on a host are not what was sent there: cut short, or longer. Pure.

Their digests would say it of every change, but reading a model takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from planner.diff.places import place_of
from planner.diff.values import Observed
from planner.render.bundle import Artifact


def sound(seen: Observed, artifacts: Iterable[Artifact], project: str) -> Observed:
    """The host without what is damaged of these artifacts: it is not there as far as anybody who
    needs it can tell."""
    broken = {
        place_of(artifact, project)
        for artifact in artifacts
        if size_instead(seen, artifact, project) is not None
    }
    return replace(seen, artifacts=seen.artifacts - broken) if broken else seen


def size_instead(seen: Observed, artifact: Artifact, project: str) -> int | None:
    """The bytes that an artifact has on the host, where those are not its own."""
    if artifact.bytes is None:
        return None
    found = seen.sizes.get(place_of(artifact, project))
    return None if found == artifact.bytes else found
