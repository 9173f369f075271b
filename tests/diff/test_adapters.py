"""Adapters that change while their engine runs, compared as printed plans."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.diff.differ import diff
from planner.diff.planning import make_plan
from planner.diff.rollback import plan_rollback
from planner.diff.saved import load_plan, save_plan
from planner.diff.values import Health, LoadAdapter, Observed
from planner.render.bundle import HostBundle, ServedAdapter, Workload
from planner.views.plan import plan_summary, plan_to_dict
from tests.diff.examples import as_rendered, bundle, host_bundle, workload


def serving(settings: str = "same", *, hot: bool = True, **adapters: str) -> Workload:
    """A workload with adapters by name and path; a hot one's digest does not know them."""
    if not hot:
        settings += repr(adapters)
    rows = tuple(ServedAdapter(name, path) for name, path in adapters.items())
    return replace(workload("chat-0", settings), adapters=rows, hot=hot)


def host(*args: str, **kwargs: object) -> HostBundle:
    return host_bundle(serving(*args, **kwargs))  # type: ignore[arg-type]


def printed(wanted: HostBundle, seen: Observed) -> list[str]:
    return [f"{step.kind} {step.target}" for step in diff(wanted, seen)]


def test_a_new_adapter_is_loaded_and_nothing_is_started() -> None:
    before, after = host(calm="/a/1"), host(calm="/a/1", loud="/a/2")
    plan = make_plan(bundle(after), {"box": as_rendered(before)})
    assert [f"{step.kind} {step.target}: {step.cause}" for step in plan.operations] == [
        f"write release {after.digest}: the host has release {before.digest[:8]}: 1 file changed",
        "load loud into chat-0: new in the blueprint; the engine goes on",
        f"activate release {after.digest}: current release {before.digest[:8]} -> "
        f"{after.digest[:8]}",
    ]
    assert plan.kept == {"box": ("chat-0",)}
    assert plan.interruptions == ()
    assert plan_summary(plan) == {"create": 0, "update": 0, "delete": 0, "keep": 1}
    # a release becomes current only once the engine serves what it says
    activate = plan.operations[-1]
    assert plan.operations[1].id in activate.depends_on


def test_a_changed_and_a_gone_adapter() -> None:
    before, after = host(calm="/a/1", loud="/a/2"), host(calm="/a/9")
    assert printed(after, as_rendered(before))[1:3] == [
        "unload loud from chat-0",
        "load calm into chat-0",
    ]
    (load,) = [step for step in diff(after, as_rendered(before)) if isinstance(step, LoadAdapter)]
    assert load.replaces
    assert load.cause == "its files changed; the engine goes on"


def test_a_workload_that_starts_anyway_reads_its_list_then() -> None:
    before, after = host(calm="/a/1"), host("more context", calm="/a/1", loud="/a/2")
    steps = diff(after, as_rendered(before))
    assert [step.kind for step in steps] == ["write", "activate", "start", "verify"]
    assert "with its adapters (new: loud)" in steps[2].cause
    dead = as_rendered(before)
    dead = replace(dead, workloads=(replace(dead.workloads[0], health=Health.STOPPED),))
    assert "load" not in [step.kind for step in diff(host(calm="/a/1", loud="/a/2"), dead)]


@pytest.mark.parametrize(
    ("adapters", "said"),
    [
        ({"calm": "/a/1", "loud": "/a/2"}, "new: loud"),
        ({"calm": "/a/3"}, "changed: calm"),
        ({}, "gone: calm"),
    ],
)
def test_an_engine_that_takes_them_at_start_stops_and_the_plan_says_why(
    adapters: dict[str, str], said: str
) -> None:
    before, after = host(hot=False, calm="/a/1"), host(hot=False, **adapters)
    plan = make_plan(bundle(after), {"box": as_rendered(before)})
    (stop,) = plan.interruptions
    assert stop.seconds == 90
    assert stop.why.startswith(f"its adapters changed ({said}), which it takes at start only")


def test_a_plan_with_adapters_is_saved_and_read_back() -> None:
    before, after = host(calm="/a/1", loud="/a/2"), host(calm="/a/9")
    plan = make_plan(bundle(after), {"box": as_rendered(before)})
    assert load_plan(save_plan(plan, plan_to_dict(plan))).operations == plan.operations


def test_going_back_loads_what_was_served_then() -> None:
    old, new = host(calm="/a/1"), host(loud="/a/2")
    seen = as_rendered(new)
    manifests = {**seen.manifests, **as_rendered(old).manifests}
    seen = replace(seen, releases=(new.digest, old.digest), manifests=manifests)
    plan = plan_rollback("demo", {"box": seen}, None)
    assert [f"{step.kind} {step.target}" for step in plan.operations] == [
        "unload loud from chat-0",
        "load calm into chat-0",
        f"activate release {old.digest}",
    ]
