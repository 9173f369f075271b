"""Releases that fail on hosts in memory: the old one comes back, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from planner.apply import ready
from planner.apply.events import HostReturns
from planner.diff import causes
from planner.errors import ApplyFailedServing
from planner.remote.fake import FakeHost, FakeWorkload
from planner.render.bundle import Bundle, Runtime
from tests.apply.fakes import FakeFarm
from tests.apply.test_execute import BOTH, chat, one
from tests.diff.examples import bundle, host_bundle, workload


@pytest.fixture
def farm() -> FakeFarm:
    return FakeFarm({"box": FakeHost()})


def dies_with(settings: str) -> Callable[[str, FakeWorkload], None]:
    """Every workload with these settings ends as soon as it is started."""

    def on_start(name: str, started: FakeWorkload) -> None:
        if started.digest == workload(name, settings).digest:
            started.state, started.log = "exited", "CUDA out of memory"

    return on_start


@pytest.mark.parametrize("runtime", BOTH)
def test_a_replacement_that_fails_brings_the_old_one_back(farm: FakeFarm, runtime: Runtime) -> None:
    old = bundle(chat("chat-0", "code-0", runtime=runtime))
    farm.apply(old)
    host = one(farm)
    release = host.current or ""
    host.on_start = dies_with("new")
    result = farm.apply(bundle(chat("chat-0", "code-0", settings="new", runtime=runtime)))
    assert result.exit_code == 8
    (error,) = result.errors
    assert isinstance(error, ApplyFailedServing)
    assert f"back on release {release[:8]}" in error.summary
    assert "CUDA out of memory" in (error.cause or "")
    assert [e.release for e in farm.events if isinstance(e, HostReturns)] == [release]
    assert (host.current, host.pending) == (release, None)
    assert farm.plan(old).empty


def test_one_that_brings_nothing_back_says_that_nothing_serves(farm: FakeFarm) -> None:
    farm.apply(bundle(chat()))

    def dies(_: str, started: FakeWorkload) -> None:
        started.state = "exited"

    one(farm).on_start = dies
    result = farm.apply(bundle(chat(settings="new")))
    assert result.exit_code == 9
    assert "the way back to release" in result.errors[1].summary
    one(farm).on_start = None
    assert farm.apply(bundle(chat(settings="new"))).exit_code == 0


def test_there_is_no_way_back_to_what_never_answered(farm: FakeFarm) -> None:
    one(farm).on_start = dies_with("old")
    assert farm.apply(bundle(chat())).exit_code == 9
    one(farm).on_start = dies_with("new")
    assert farm.apply(bundle(chat(settings="new"))).exit_code == 9
    assert not [event for event in farm.events if isinstance(event, HostReturns)]


def test_what_left_the_blueprint_comes_back_too(farm: FakeFarm) -> None:
    old = bundle(chat("chat-0", "old-0"))
    farm.apply(old)
    one(farm).on_start = dies_with("new")
    assert farm.apply(bundle(chat(settings="new"))).exit_code == 8
    assert sorted(one(farm).workloads) == ["chat-0", "old-0"]
    assert farm.plan(old).empty


def test_a_host_that_is_cut_off_once_something_was_stopped_knows_the_way_back() -> None:
    for calls in range(100):
        farm = FakeFarm({"box": FakeHost()})
        farm.apply(bundle(chat("chat-0", "old-0")))
        host = one(farm)
        release, host.budget = host.current, calls
        if farm.apply(bundle(chat())).exit_code == 0:
            assert (calls > 3, host.pending) == (True, None)
            return
        whole = "old-0" in host.workloads and host.current == release
        assert whole or host.pending == release, f"after {calls} calls"
    raise AssertionError("it never ended")


def test_a_project_that_is_being_taken_off_does_not_come_back_by_itself() -> None:
    for calls in range(100):
        farm = FakeFarm({"box": FakeHost()})
        farm.apply(bundle(chat()))
        host = one(farm)
        host.budget = calls
        result = farm.apply(Bundle("demo", ()))
        assert host.pending is None
        assert not any("by itself in" in (error.advice or "") for error in result.errors)
        if result.exit_code == 0:
            return
    raise AssertionError("it never ended")


@pytest.mark.parametrize("how", ["exited", "restarted", "silent"])
def test_what_answers_and_dies_soon_after_was_never_ready(farm: FakeFarm, how: str) -> None:
    farm.apply(bundle(chat()))
    host = one(farm)
    release = host.current
    dead_at: list[float] = []

    def note(_: str, started: FakeWorkload) -> None:
        if started.digest == workload("chat-0", "new").digest:
            dead_at.append(farm.clock.now + 5)

    def dead() -> bool:
        return bool(dead_at) and farm.clock.now >= dead_at[0] and host.current != release

    def sleep(seconds: float) -> None:
        farm.clock.now += seconds
        if dead() and how == "exited":
            host.workloads["chat-0"].state = "exited"
        if dead() and how == "restarted":
            host.workloads["chat-0"].restarts = 1

    host.on_start = note
    host.answers = lambda _: None if how == "silent" and dead() else 200
    farm.clock.sleep = sleep  # type: ignore[method-assign]
    assert farm.apply(bundle(chat(settings="new"))).exit_code == 8
    assert host.current == release


def test_several_that_start_together_prove_themselves_at_the_same_time(farm: FakeFarm) -> None:
    assert farm.apply(bundle(chat("a-0", "b-0", "c-0", "d-0"))).exit_code == 0
    assert farm.clock.now == ready.HEALTHY_SECONDS


def test_the_first_replica_that_fails_stops_the_others(farm: FakeFarm) -> None:
    farm.apply(bundle(chat("chat-0", "chat-1")))
    host = one(farm)
    second = host.workloads["chat-1"].identity
    host.on_start = dies_with("new")
    assert farm.apply(bundle(chat("chat-0", "chat-1", settings="new"))).exit_code == 8
    assert host.workloads["chat-1"].identity == second


def test_what_a_run_started_and_never_saw_answer_is_asked_again(farm: FakeFarm) -> None:
    wanted = bundle(chat())
    one(farm).answers = lambda _: None
    assert farm.apply(wanted).exit_code == 9
    (step,) = farm.plan(wanted).operations
    assert (step.kind, step.cause.partition(";")[0]) == ("verify", causes.UNPROVEN)
    identity = one(farm).workloads["chat-0"].identity
    one(farm).answers = lambda _: 200
    assert farm.apply(wanted).exit_code == 0
    assert one(farm).workloads["chat-0"].identity == identity
    assert farm.plan(wanted).empty


def test_a_switch_that_was_cut_off_is_confirmed_by_the_next_run(farm: FakeFarm) -> None:
    farm.apply(bundle(chat()))
    host = one(farm)
    release = host.current
    changed = bundle(chat(settings="new"))
    host.answers = lambda _: setattr(host, "budget", 0)  # type: ignore[func-returns-value]
    assert farm.apply(changed).exit_code == 4
    host.budget, host.answers = None, lambda _: 200
    assert host.pending == release
    assert [step.kind for step in farm.plan(changed).operations] == ["activate", "verify"]
    assert farm.apply(changed).exit_code == 0
    assert host.pending is None
    assert farm.plan(changed).empty


def test_a_cut_off_switch_that_fails_later_goes_back_to_what_served(farm: FakeFarm) -> None:
    old = bundle(chat())
    farm.apply(old)
    host = one(farm)
    host.answers = lambda _: setattr(host, "budget", 0)  # type: ignore[func-returns-value]
    farm.apply(bundle(chat(settings="new")))
    host.budget, host.answers = None, lambda _: 200
    host.on_start = dies_with("newer")
    assert farm.apply(bundle(chat(settings="newer"))).exit_code == 8
    assert farm.plan(old).empty


@pytest.mark.parametrize("settings", ["good", "bad"])
def test_the_first_host_gates_the_others_of_its_model(settings: str) -> None:
    farm = FakeFarm({"one": FakeHost(), "two": FakeHost(), "three": FakeHost()})

    def wanted(settings: str) -> object:
        return bundle(
            host_bundle(workload("chat-0", settings), host="one"),
            host_bundle(workload("chat-1", settings), host="two"),
            host_bundle(workload("code-0", settings), host="three"),
        )

    farm.apply(wanted("old"))  # type: ignore[arg-type]
    farm.hosts["one"].on_start = dies_with("bad")
    before = farm.hosts["two"].current
    result = farm.apply(wanted(settings))  # type: ignore[arg-type]
    assert result.hosts["three"].ok
    if settings == "good":
        assert result.exit_code == 0
        assert farm.plan(wanted(settings)).empty  # type: ignore[arg-type]
        return
    assert result.exit_code == 8
    assert farm.hosts["two"].current == before
    assert "start" not in farm.hosts["two"].calls[-8:]
    assert result.hosts["two"].not_tried
