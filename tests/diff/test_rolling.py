"""Hosts that wait for each other while replicas of one model are replaced."""

from __future__ import annotations

from planner.diff.planning import make_plan
from planner.diff.values import Operation
from tests.diff.examples import as_rendered, bundle, host_bundle, weights, workload

NAMES = {"one": ("chat-0", "code-0"), "two": ("chat-1",), "three": ("chat-2", "code-1")}


def plan(*changed: str) -> dict[str, Operation]:
    """The operations, by id, that replace these workloads."""
    before = [host_bundle(*map(workload, names), host=host) for host, names in NAMES.items()]
    after = [
        host_bundle(*(workload(n, "new" if n in changed else "context 4096") for n in names),
                    host=host)
        for host, names in NAMES.items()
    ]  # fmt: skip
    made = make_plan(bundle(*after), {item.host: as_rendered(item) for item in before})
    return {step.id: step for step in made.operations}


def waits(steps: dict[str, Operation], host: str, kind: str) -> set[str]:
    """What operations of a kind wait for on other hosts."""
    return {
        name
        for step in steps.values()
        if (step.host, step.kind) == (host, kind)
        for name in step.depends_on
        if not name.startswith(f"{host}/")
    }


def test_each_host_waits_for_the_replica_on_the_one_before() -> None:
    steps = plan("chat-0", "chat-1", "chat-2")
    assert waits(steps, "one", "activate") == set()
    assert waits(steps, "two", "activate") == {"one/verify/chat-0"}
    assert waits(steps, "three", "activate") == {"two/verify/chat-1"}
    assert waits(steps, "three", "write") == set()


def test_a_host_without_a_change_is_passed_over() -> None:
    assert waits(plan("chat-0", "chat-2"), "three", "activate") == {"one/verify/chat-0"}


def test_different_models_do_not_wait_for_each_other() -> None:
    assert waits(plan("code-0", "chat-1"), "two", "activate") == set()
    assert waits(plan("code-0", "chat-1", "code-1"), "three", "activate") == {"one/verify/code-0"}


def test_replicas_that_are_new_wait_for_nobody() -> None:
    before = as_rendered(host_bundle(workload("chat-0"), host="one"))
    new = [host_bundle(workload(f"chat-{n}", "new"), host=h) for n, h in enumerate(("one", "two"))]
    seen = {"one": before, "two": as_rendered(host_bundle(host="two"))}
    made = make_plan(bundle(*new), seen)
    assert waits({step.id: step for step in made.operations}, "two", "start") == set()


def test_replicas_under_another_name_wait_for_each_other_too() -> None:
    files = (weights(),)
    seen, wanted = {}, []
    for number, name in enumerate(("one", "two")):
        old = workload(f"chat-{number}", artifacts=files)
        seen[name] = as_rendered(host_bundle(old, host=name, artifacts=files))
        new = workload(f"talk-{number}", artifacts=files)
        wanted.append(host_bundle(new, host=name, artifacts=files))
    made = make_plan(bundle(*wanted), seen)
    steps = {step.id: step for step in made.operations}
    assert waits(steps, "one", "stop") == set()
    assert waits(steps, "two", "stop") == {"one/verify/talk-0"}
