"""Makes hosts wait for each other where replicas of one model are replaced on several. Pure.

No replica may fail: the first host gates the rest, and one that fails leaves them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.diff.values import (
    ActivateRelease,
    Observed,
    Operation,
    StartWorkload,
    StopWorkload,
    VerifyWorkload,
)

Steps = dict[str, tuple[Operation, ...]]


def gated(steps: Mapping[str, tuple[Operation, ...]], seen: Mapping[str, Observed]) -> Steps:
    """Every host's operations, in the hosts' order. What takes a replica that serves out of
    service waits for the proof that its siblings on the host before it answer.

    Files travel everywhere at once all the same.
    """
    proofs: dict[str, tuple[str, ...]] = {}
    found: Steps = {}
    for host, operations in steps.items():
        models = _replaced(operations, seen[host])
        after = tuple(dict.fromkeys(name for m in models for name in proofs.get(m, ())))
        found[host] = tuple(_later(step, after) for step in operations)
        for model in models:
            proofs[model] = tuple(
                step.id
                for step in operations
                if isinstance(step, VerifyWorkload) and step.workload.owner == model
            )
    return found


def _replaced(operations: tuple[Operation, ...], seen: Observed) -> list[str]:
    """Models of which a replica that serves is replaced, also by itself under another name."""
    serving = {workload.name for workload in seen.workloads if workload.health.serves}
    replacing = (
        step
        for step in operations
        if isinstance(step, StartWorkload) and (step.replaces or step.was)
    )
    return sorted({s.workload.owner for s in replacing if (s.was or s.workload.name) in serving})


def _later(step: Operation, after: tuple[str, ...]) -> Operation:
    if not after or not isinstance(step, StopWorkload | ActivateRelease | StartWorkload):
        return step
    return replace(step, depends_on=(*step.depends_on, *after))
