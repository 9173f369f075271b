"""A project that begins where others are: it may be one of them under another name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.diagnostics import Diagnostic, warning
from planner.diff.values import Observed
from planner.render.bundle import Bundle


def beside_others(bundle: Bundle, seen: Mapping[str, Observed]) -> Iterator[Diagnostic]:
    """A warning for each host with other projects, while no host has anything of this one.

    A project is known by its name alone: with another name it is another farm, and the old one
    goes on beside it, with its data.
    """
    begins = not any(host.releases or host.workloads or host.data for host in seen.values())
    asks = {host.host for host in bundle.hosts if host.workloads}
    for host, item in seen.items():
        if begins and asks and item.others:
            names = ", ".join(item.others)
            yield warning(
                f"{host} has project {names} already; {bundle.project} begins beside it",
                "hosts",
                host,
                detail="a project is known by its name alone: what others run stays, with its data "
                "and its memory",
                advice=f"if only the name changed, write project: {item.others[0]} as before; to "
                "begin anew in its place, first run planner destroy with its old blueprint",
            )
