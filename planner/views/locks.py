"""Draws locks: who is at work on which host. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from planner.errors import PlannerError
from planner.views.terminal import clean


class _Lock(Protocol):
    @property
    def holder(self) -> str: ...


class _Locks(Protocol):
    @property
    def found(self) -> Mapping[str, _Lock | None]: ...

    @property
    def unreachable(self) -> Mapping[str, PlannerError]: ...


def locks_to_text(locks: _Locks) -> str:
    """One line a host."""
    lines = [
        f"{host}  not locked" if lock is None else f"{host}  locked by {clean(lock.holder)}"
        for host, lock in locks.found.items()
    ]
    lines += [f"{host}  not asked: {clean(why.summary)}" for host, why in locks.unreachable.items()]
    return "\n".join(lines) + "\n"


def locks_to_dict(locks: _Locks) -> dict[str, Any]:
    """The locks as scripts read them."""
    return {
        "hosts": [
            {"host": host, "holder": None if lock is None else lock.holder}
            for host, lock in locks.found.items()
        ],
        "unreachable": {host: why.summary for host, why in locks.unreachable.items()},
    }
