"""What serves alone is replaced once a second one beside it answers, where memory allows two."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.diff import rollback
from planner.diff.differ import diff
from planner.diff.planning import make_plan
from planner.diff.saved import load_plan, save_plan
from planner.diff.surge import surges
from planner.diff.values import (
    Health,
    Observed,
    SeenDevice,
    SeenWorkload,
    StartSurge,
    StartWorkload,
    StopSurge,
)
from planner.farm import SURGE
from planner.render.bundle import HostBundle, Memory, Workload
from planner.views.plan import plan_summary, plan_to_dict, plan_to_text
from tests.diff.examples import as_rendered, bundle, host_bundle, workload

GIB = 1 << 30


def model(name: str, settings: str, memory: Memory) -> Workload:
    return replace(workload(name, settings), memory=memory)


def host(
    settings: str, *names: str, memory: Memory = (("ram", 4 * GIB),), room: int = 64
) -> HostBundle:
    here = [model(name, settings, memory) for name in names]
    beside = tuple(replace(w, name=f"{w.name}{SURGE}") for w in here)
    return host_bundle(*here, surges=beside, room=(("ram", room * GIB),))


def kinds(wanted: HostBundle, seen: Observed) -> list[str]:
    steps = [step.id.removeprefix("box/") for step in diff(wanted, seen)]
    return [step for step in steps if not step.startswith(("write", "activate"))]


def test_the_new_one_answers_before_the_old_one_stops() -> None:
    wanted, seen = host("new", "chat-0"), as_rendered(host("old", "chat-0"))
    steps = {step.id.removeprefix("box/"): step for step in diff(wanted, seen)}
    assert list(steps)[2:] == [
        "start-surge/chat-0-surge",
        "verify/chat-0-surge",
        "start/chat-0",
        "verify/chat-0",
        "stop-surge/chat-0-surge",
    ]
    for later, earlier in zip(list(steps)[3:], list(steps)[2:], strict=False):
        assert f"box/{earlier}" in steps[later].depends_on, later
    assert f"box/activate/{wanted.digest}" in steps["start-surge/chat-0-surge"].depends_on
    made = make_plan(bundle(wanted), {"box": seen})
    assert plan_summary(made) == {"create": 0, "update": 1, "delete": 0, "keep": 0}
    assert "start    chat-0-surge: chat-0 goes on serving until it answers" in plan_to_text(made)


def test_a_saved_plan_has_it_too() -> None:
    made = make_plan(bundle(host("new", "chat-0")), {"box": as_rendered(host("old", "chat-0"))})
    loaded = load_plan(save_plan(made, plan_to_dict(made)))
    assert loaded.operations == made.operations


@pytest.mark.parametrize("room", [7, 8])
def test_memory_for_both_decides(room: int) -> None:
    wanted = host("new", "chat-0", room=room)
    found = kinds(wanted, as_rendered(host("old", "chat-0")))
    assert ("start-surge/chat-0-surge" in found) == (room == 8)
    assert "start/chat-0" in found


def test_what_the_host_says_counts_as_well() -> None:
    seen = as_rendered(host("old", "chat-0"))
    wanted = host("new", "chat-0")
    assert surges(wanted, seen, {"chat-0"})
    assert not surges(wanted, replace(seen, ram_bytes=7 * GIB), {"chat-0"})


def test_the_larger_of_old_and_new_counts() -> None:
    wanted = host("new", "chat-0", room=10)
    large = host("old", "chat-0", memory=(("ram", 6 * GIB),))
    assert surges(wanted, as_rendered(large), {"chat-0"})
    larger = host("old", "chat-0", memory=(("ram", 7 * GIB),))
    assert not surges(wanted, as_rendered(larger), {"chat-0"})


def test_memory_that_a_stranger_holds_on_a_card_is_not_there() -> None:
    memory = (("ram", GIB), ("0", 8 * GIB))
    wanted, before = (host(s, "chat-0", memory=memory) for s in ("new", "old"))
    for used, there in ((16, True), (17, False)):
        card = SeenDevice(0, "GPU-0", "RTX", 24 * GIB, used * GIB)
        seen = replace(as_rendered(before), devices=(card,))
        assert bool(surges(wanted, seen, {"chat-0"})) == there


def test_unknown_memory_starts_nothing_beside() -> None:
    known, unknown = host("old", "chat-0"), host("old", "chat-0", memory=())
    assert not surges(host("new", "chat-0", memory=()), as_rendered(known), {"chat-0"})
    assert not surges(host("new", "chat-0"), as_rendered(unknown), {"chat-0"})


def test_what_does_not_serve_is_replaced_at_once() -> None:
    wanted, seen = host("new", "chat-0"), as_rendered(host("old", "chat-0"))
    [was] = seen.workloads
    ill = replace(seen, workloads=(replace(was, health=Health.UNHEALTHY),))
    assert not surges(wanted, ill, {"chat-0"})
    assert not surges(wanted, replace(seen, unproven=frozenset({"chat-0"})), {"chat-0"})


def test_those_that_do_not_fit_together_take_turns() -> None:
    names = ("a-0", "b-0", "c-0")
    wanted = host("new", *names, room=20)  # 12 run, so two more at a time
    found = surges(wanted, as_rendered(host("old", *names)), set(names))
    assert {name: item.turn for name, item in found.items()} == {"a-0": 0, "b-0": 0, "c-0": 1}
    steps = {step.id: step for step in diff(wanted, as_rendered(host("old", *names)))}
    assert {"box/stop-surge/a-0-surge", "box/stop-surge/b-0-surge"} <= set(
        steps["box/start-surge/c-0-surge"].depends_on
    )


def test_the_gateway_asks_it_meanwhile() -> None:
    seen = as_rendered(host("old", "chat-0"))
    wanted = host("new", "chat-0")
    direct = make_plan(bundle(wanted), {"box": seen})
    assert [item.workload for item in direct.interruptions] == ["chat-0"]
    [alone] = wanted.workloads
    behind = host_bundle(replace(alone, gateway=True), surges=wanted.surges, room=wanted.room)
    assert make_plan(bundle(behind), {"box": seen}).interruptions == ()


def left(seen: Observed, name: str = "chat-0-surge") -> Observed:
    """The host with what a run that was cut off has left beside."""
    [one] = seen.workloads
    beside = SeenWorkload(name, one.runtime, "of-then", Health.RUNNING)
    return replace(seen, workloads=(*seen.workloads, beside), unproven=frozenset({"chat-0"}))


def test_what_a_run_has_left_beside_serves_until_the_other_answers() -> None:
    wanted = host("new", "chat-0")
    assert kinds(wanted, left(as_rendered(wanted))) == ["verify/chat-0", "stop/chat-0-surge"]
    [*_, stop] = diff(wanted, left(as_rendered(wanted)))
    assert stop.depends_on == ("box/verify/chat-0",)


def test_what_is_left_is_taken_over_by_the_next_of_its_name() -> None:
    seen = replace(left(as_rendered(host("old", "chat-0"))), unproven=frozenset())
    found = kinds(host("new", "chat-0"), seen)
    assert "stop/chat-0-surge" not in found
    assert found[-1] == "stop-surge/chat-0-surge"


def test_a_host_that_is_cleared_keeps_nothing_beside() -> None:
    found = kinds(host_bundle(), left(as_rendered(host("old", "chat-0"))))
    assert "stop/chat-0-surge" in found


def test_a_rollback_does_the_same_and_the_way_back_of_a_failure_does_not() -> None:
    old, new = host("old", "chat-0"), host("new", "chat-0")
    seen = as_rendered(new)
    manifests = {**seen.manifests, **as_rendered(old).manifests}
    seen = replace(seen, releases=(new.digest, old.digest), manifests=manifests)
    made = rollback.plan_rollback("demo", {"box": seen}, None)
    assert any(isinstance(step, StartSurge) for step in made.operations)
    back = rollback.way_back("demo", seen, old.digest)
    assert not any(isinstance(step, StartSurge) for step in back)
    assert any(isinstance(step, StartWorkload) for step in back)


@given(
    room=st.integers(0, 40),
    sizes=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=5),
    changed=st.sets(st.integers(0, 4)),
)
def test_memory_is_never_promised_twice(
    room: int, sizes: list[tuple[int, int]], changed: set[int]
) -> None:
    def bundle_of(which: int) -> HostBundle:
        here = [
            model(f"m{n}-0", "new" if which and n in changed else "old", (("ram", pair[which]),))
            for n, pair in enumerate(sizes)
        ]
        beside = tuple(replace(w, name=f"{w.name}{SURGE}") for w in here)
        return host_bundle(*here, surges=beside, room=(("ram", room),))

    wanted, seen = bundle_of(1), as_rendered(bundle_of(0))
    taken = {w.name: dict(w.memory)["ram"] for w in bundle_of(0).workloads}
    beside = {w.name: dict(w.memory)["ram"] for w in wanted.surges}
    will = {w.name: dict(w.memory)["ram"] for w in wanted.workloads}
    begun = False
    for step in diff(wanted, seen):
        if isinstance(step, StartSurge):
            taken[step.target] = beside[step.target]
            begun = True
            assert sum(taken.values()) <= room
        elif isinstance(step, StartWorkload):
            taken[step.target] = will[step.target]
            assert not begun or sum(taken.values()) <= room
        elif isinstance(step, StopSurge):
            del taken[step.target]
    assert set(taken) == set(will)


def test_a_model_that_moves_to_another_host_is_foretold_to_stop() -> None:
    one = as_rendered(host("old", "chat-0"))
    [chat] = host("old", "chat-0").workloads
    two = host_bundle(chat, host="two")
    made = make_plan(
        bundle(host_bundle(), two), {"box": one, "two": as_rendered(host_bundle(host="two"))}
    )
    [told] = made.interruptions
    assert (told.host, told.workload, told.why) == ("box", "chat-0", "it moves to two")
    assert told.seconds == chat.start_seconds
