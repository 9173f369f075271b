"""Draws a plan: as text of 80 columns, as JSON's dictionary. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from planner.diff.values import (
    Action,
    FetchArtifact,
    Interruption,
    Operation,
    Plan,
    PushArtifact,
    StartWorkload,
    StopWorkload,
    VerifyWorkload,
)
from planner.units import GIB, MIB
from planner.views.messages import diagnostic_json
from planner.views.terminal import clean

WIDTH = 80
_SIGN = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}


def plan_summary(plan: Plan) -> dict[str, int]:
    """How many workloads the plan creates, updates, deletes and keeps."""
    counts = {"create": 0, "update": 0, "delete": 0}
    for step in plan.operations:
        if isinstance(step, StartWorkload | StopWorkload):
            counts[step.action] += 1
    return {**counts, "keep": plan.keep}


def transfer_bytes(plan: Plan) -> int:
    """Bytes that will travel, as far as they are known."""
    moves = (s for s in plan.operations if isinstance(s, PushArtifact | FetchArtifact))
    return sum(step.artifact.bytes or 0 for step in moves)


def plan_to_dict(plan: Plan, cost: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The plan as scripts read it."""
    return {
        "project": plan.project,
        "operations": [
            {
                "id": step.id,
                "host": step.host,
                "kind": step.kind,
                "action": step.action.value,
                "target": step.target,
                "cause": step.cause,
                "destructive": step.destructive,
                "depends_on": list(step.depends_on),
            }
            for step in plan.operations
        ],
        "interruptions": [
            {
                "host": item.host,
                "workload": item.workload,
                "seconds": item.seconds,
                "why": item.why,
            }
            for item in plan.interruptions
        ],
        "cost": dict(cost or {}),
        "summary": plan_summary(plan),
        "reasons": dict(plan.reasons),
        "unreachable": dict(plan.unseen),
        "diagnostics": [diagnostic_json(item) for item in plan.diagnostics],
    }


def plan_to_text(plan: Plan) -> str:
    """The plan as people read it: by host, then what stops meanwhile, then the count."""
    lines: list[str] = []
    for host in dict.fromkeys([*plan.seen, *plan.unseen]):
        lines += [*_host(plan, host), ""]
    if plan.interruptions:
        lines += ["Interruptions", *map(_interruption, plan.interruptions), ""]
    lines.append(_count(plan))
    return "\n".join(line for text in lines for line in _fold(clean(text))) + "\n"


def _host(plan: Plan, host: str) -> Iterable[str]:
    if host in plan.unseen:
        return [host, f"  ! not asked: {plan.unseen[host]}"]
    steps = plan.of(host)
    if not steps:
        return [host, f"  = nothing to do: {plan.reasons.get(host, 'it is as it should be')}"]
    keeps = [f"  = keep     {name}" for name in plan.kept.get(host, ())]
    return [host, *map(_line, steps), *keeps]


def _line(step: Operation) -> str:
    sign = "?" if isinstance(step, VerifyWorkload) else _SIGN[step.action]
    return f"  {sign} {verb_of(step):8} {step.target}{_size(step)}: {step.cause}"


def verb_of(step: Operation) -> str:
    """What happens, in one word."""
    if isinstance(step, StartWorkload) and step.replaces:
        return "replace"
    words = {"remove-project": "clear", "start-surge": "start", "stop-surge": "stop"}
    return words.get(step.kind, step.kind)


def _size(step: Operation) -> str:
    if not isinstance(step, PushArtifact | FetchArtifact):
        return ""
    return f" ({show_bytes(step.artifact.bytes)})"


def _interruption(item: Interruption) -> str:
    return f"  stops {item.workload} on {item.host} for about {item.seconds} s: {item.why}"


def _count(plan: Plan) -> str:
    """The last line: what the plan comes to."""
    if plan.empty:
        said = "Nothing to do"
        return f"{said} on the hosts that answered." if plan.unseen else f"{said}."
    count = plan_summary(plan)
    said = (
        f"Plan: {count['create']} to create, {count['update']} to update, "
        f"{count['delete']} to delete, {count['keep']} to keep"
    )
    travel = transfer_bytes(plan)
    return f"{said}; {show_bytes(travel)} to transfer." if travel else f"{said}."


def show_bytes(number: int | None) -> str:
    """A size as people read it; an unknown one is said to be unknown."""
    if number is None:
        return "size unknown"
    if number >= GIB:
        return f"{number / GIB:.1f} GiB"
    return f"{number / MIB:.1f} MiB" if number >= MIB else f"{number} B"


def _fold(text: str) -> list[str]:
    """A line in lines of at most 80 columns, what follows indented below the verb."""
    indent = " " * (4 if text.startswith("  ") else 2)
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
