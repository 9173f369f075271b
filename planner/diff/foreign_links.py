"""Links in a project's folder that planner did not make: nothing is changed through one. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from planner.diagnostics import Diagnostic, error
from planner.diff.values import Observed


def refused(seen: Observed) -> Iterator[Diagnostic]:
    """What stands in the way of every change on a host that has such links."""
    for link in seen.foreign_links:
        yield error(
            f"nothing is changed on {seen.host} through a link",
            "hosts",
            seen.host,
            detail=why(link),
            advice=advice(link),
        )


def why(link: str) -> str:
    """Why nothing is changed while the link is there."""
    return (
        f"{link} is a symbolic link that planner did not make; what is written or removed through "
        "it lies elsewhere"
    )


def advice(link: str) -> str:
    """What to do about the link."""
    return (
        f"see where it leads (ls -l {shlex.quote(link)}), remove it, and run the same command "
        "again; a folder on another disk is mounted there (mount --bind), not linked"
    )
