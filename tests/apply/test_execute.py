"""Plans carried out on hosts in memory."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from planner.apply import ready
from planner.apply.events import HostFinished, OperationFailed, OperationProgress
from planner.diff.saved import load_plan, save_plan
from planner.errors import (
    ApplyFailed,
    ApplyFailedServing,
    HostLocked,
    HostUnreachable,
    UsageError,
)
from planner.remote.fake import FakeHost, FakeWorkload
from planner.render.bundle import Artifact, ArtifactKind, Bundle, HostBundle, Runtime
from planner.views.plan import plan_to_dict
from tests.apply.fakes import FakeFarm
from tests.diff.examples import bundle, host_bundle, weights, workload

BOTH = [Runtime.COMPOSE, Runtime.SYSTEMD]


def model_file(folder: Path, content: bytes = b"weights") -> Artifact:
    (folder / "tiny.gguf").write_bytes(content)
    return weights("tiny.gguf", content, str(folder))


def chat(*names: str, settings: str = "old", runtime: Runtime = Runtime.COMPOSE) -> HostBundle:
    return host_bundle(*(workload(name, settings, runtime) for name in names or ("chat-0",)))


def one(farm: FakeFarm) -> FakeHost:
    (host,) = farm.hosts.values()
    return host


@pytest.fixture
def farm() -> FakeFarm:
    return FakeFarm({"box": FakeHost()})


@pytest.mark.parametrize("runtime", BOTH)
def test_a_second_plan_is_empty(farm: FakeFarm, tmp_path: Path, runtime: Runtime) -> None:
    model = model_file(tmp_path)
    wanted = bundle(
        host_bundle(workload("chat-0", runtime=runtime, artifacts=(model,)), artifacts=(model,))
    )
    assert farm.apply(wanted).exit_code == 0
    again = farm.plan(wanted)
    assert again.operations == ()
    assert list(again.reasons) == ["box"]


def test_an_apply_without_changes_asks_each_host_once() -> None:
    farm = FakeFarm({"one": FakeHost(), "two": FakeHost()})
    wanted = bundle(
        host_bundle(workload("chat-0"), host="one"), host_bundle(workload("code-0"), host="two")
    )
    farm.apply(wanted)
    for host in farm.hosts.values():
        host.calls.clear()
    farm.opened.clear()
    assert farm.apply(wanted).exit_code == 0
    assert [host.calls for host in farm.hosts.values()] == [["observe"], ["observe"]]
    assert len(farm.opened) == 2


def test_every_connection_is_closed(farm: FakeFarm) -> None:
    farm.apply(bundle(chat()))
    assert [transport.closed for transport in farm.opened] == [True]


@pytest.mark.parametrize("runtime", BOTH)
def test_a_change_replaces_one_workload_and_leaves_the_other(
    farm: FakeFarm, runtime: Runtime
) -> None:
    farm.apply(bundle(chat("chat-0", "code-0", runtime=runtime)))
    before = {name: w.identity for name, w in one(farm).workloads.items()}
    changed = host_bundle(workload("chat-0", "new", runtime), workload("code-0", "old", runtime))
    assert farm.apply(bundle(changed)).exit_code == 0
    after = {name: w.identity for name, w in one(farm).workloads.items()}
    assert after["code-0"] == before["code-0"]
    assert after["chat-0"] != before["chat-0"]


def test_destroy_leaves_nothing(farm: FakeFarm, tmp_path: Path) -> None:
    model = model_file(tmp_path)
    untouched = FakeHost()
    farm.apply(bundle(host_bundle(workload("chat-0", artifacts=(model,)), artifacts=(model,))))
    assert farm.apply(Bundle("demo", ())).exit_code == 0
    host = one(farm)
    host.calls.clear()
    host.starts = 0
    assert host == FakeHost(answers=host.answers)
    assert untouched.workloads == host.workloads


def test_a_transfer_goes_on_where_it_stopped(farm: FakeFarm, tmp_path: Path) -> None:
    model = model_file(tmp_path, b"0123456789")
    one(farm).incoming[f"{model.key}.part"] = b"0123456"
    farm.apply(bundle(host_bundle(workload("chat-0"), artifacts=(model,))))
    progress = [e for e in farm.events if isinstance(e, OperationProgress)]
    assert [(e.done_bytes, e.total_bytes) for e in progress] == [(7, 10), (10, 10)]
    assert f"weights/{model.key}/tiny.gguf" in one(farm).places


def test_a_part_with_wrong_bytes_is_sent_again_from_the_start(
    farm: FakeFarm, tmp_path: Path
) -> None:
    model = model_file(tmp_path, b"0123456789")
    one(farm).incoming[f"{model.key}.part"] = b"xyz"
    assert farm.apply(bundle(host_bundle(workload("chat-0"), artifacts=(model,)))).exit_code == 0
    assert one(farm).calls.count("put") == 3  # twice the model, once the release


def test_a_local_file_that_changed_is_not_taken_for_the_planned_one(
    farm: FakeFarm, tmp_path: Path
) -> None:
    model = model_file(tmp_path)
    (tmp_path / "tiny.gguf").write_bytes(b"other bytes")
    result = farm.apply(bundle(host_bundle(workload("chat-0"), artifacts=(model,))))
    (error,) = result.errors
    assert "SHA-256 is" in (error.cause or "")
    assert one(farm).workloads == {}


def test_a_missing_local_file_is_named(farm: FakeFarm, tmp_path: Path) -> None:
    model = weights("gone.gguf", folder=str(tmp_path))
    result = farm.apply(bundle(host_bundle(workload("chat-0"), artifacts=(model,))))
    assert "No such file" in (result.errors[0].cause or "")


@pytest.mark.parametrize(
    ("kind", "script"),
    [(ArtifactKind.HUB_FILES, "fetch_hub"), (ArtifactKind.REGISTRY_IMAGE, "pull_image")],
)
def test_what_the_host_fetches_is_fetched_there(
    farm: FakeFarm, kind: ArtifactKind, script: str
) -> None:
    key = "Qwen/Qwen3-8B@c0ffee" if kind is ArtifactKind.HUB_FILES else "vllm@sha256:ab"
    artifact = Artifact(kind, key, key, revision="c0ffee", files=("config.json",))
    wanted = bundle(host_bundle(workload("chat-0"), artifacts=(artifact,)))
    assert farm.apply(wanted).exit_code == 0
    assert script in one(farm).calls
    assert farm.plan(wanted).empty


def test_one_dead_host_fails_alone() -> None:
    farm = FakeFarm({"one": FakeHost(), "two": FakeHost()}, dead={"two"})
    wanted = bundle(
        host_bundle(workload("chat-0"), host="one"), host_bundle(workload("code-0"), host="two")
    )
    result = farm.apply(wanted)
    assert result.exit_code == 4
    assert result.hosts["one"].ok
    assert list(farm.hosts["one"].workloads) == ["chat-0"]
    assert isinstance(result.hosts["two"].errors[0], HostUnreachable)


def test_what_depends_on_a_failure_is_not_tried(farm: FakeFarm) -> None:
    one(farm).breaks["write_release"] = "No space left on device"
    result = farm.apply(bundle(chat()))
    host = result.hosts["box"]
    assert [name.split("/")[1] for name in host.failed] == ["write"]
    assert [name.split("/")[1] for name in host.not_tried] == ["activate", "start", "verify"]
    (error,) = host.errors
    assert isinstance(error, ApplyFailed)
    assert error.cause == "No space left on device"
    assert error.where == "box"
    assert "write release" in error.summary
    assert error.advice
    assert one(farm).lock is None


def test_a_failure_before_anything_stops_leaves_the_old_version_serving(farm: FakeFarm) -> None:
    farm.apply(bundle(chat()))
    one(farm).breaks["write_release"] = "No space left on device"
    result = farm.apply(bundle(chat(settings="new")))
    assert result.exit_code == 8
    assert isinstance(result.errors[0], ApplyFailedServing)


def test_a_new_workload_that_fails_leaves_the_others_serving(farm: FakeFarm) -> None:
    farm.apply(bundle(chat("chat-0")))
    one(farm).breaks["start"] = "no such image"
    both = host_bundle(workload("chat-0", "old"), workload("code-0", "old"))
    assert farm.apply(bundle(both)).exit_code == 8


def test_a_workload_that_dies_fails_early_with_its_last_words(farm: FakeFarm) -> None:
    def crash(_: str, started: FakeWorkload) -> None:
        started.state, started.log = "exited", "CUDA out of memory"

    one(farm).on_start = crash
    one(farm).answers = lambda _: None
    result = farm.apply(bundle(chat()))
    assert result.exit_code == 9
    assert "CUDA out of memory" in (result.errors[0].cause or "")
    assert farm.clock.now == 0


def test_a_workload_that_was_restarted_is_not_waited_for(farm: FakeFarm) -> None:
    def no_answer(_: object) -> None:
        one(farm).workloads["chat-0"].restarts += 1

    one(farm).answers = no_answer
    assert "restarted" in (farm.apply(bundle(chat())).errors[0].cause or "")


def test_a_stranger_that_answers_on_the_port_proves_nothing(farm: FakeFarm) -> None:
    def answer(_: object) -> int:
        one(farm).workloads["chat-0"].state = "exited"
        return 200

    one(farm).answers = answer
    assert farm.apply(bundle(chat())).exit_code == 9


def test_a_workload_may_take_its_time(farm: FakeFarm) -> None:
    one(farm).answers = lambda _: 200 if farm.clock.now > 20 else 503
    assert farm.apply(bundle(chat())).exit_code == 0
    assert 20 < farm.clock.now - ready.HEALTHY_SECONDS < 25


def test_a_workload_that_never_answers_runs_out_of_time(farm: FakeFarm) -> None:
    one(farm).answers = lambda _: None
    result = farm.apply(bundle(chat()))
    assert "did not answer within 30 s" in (result.errors[0].cause or "")
    assert farm.clock.now == pytest.approx(31, abs=2)


def test_ctrl_c_ends_the_wait_gives_the_lock_back_and_says_how_to_go_on(
    farm: FakeFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed = threading.Event()

    def press(_: object) -> None:
        if not pressed.is_set():
            pressed.set()
            os.kill(os.getpid(), signal.SIGINT)  # as the terminal does it: to the process

    def pause(seconds: float) -> None:
        time.sleep(0.001)  # lets the main thread see the signal; the clock stands still

    one(farm).answers = press
    monkeypatch.setattr(farm.clock, "sleep", pause)
    result = farm.apply(bundle(chat("chat-0", "code-0")))
    assert result.exit_code == 130
    assert [error.exit_code for error in result.errors] == [130]
    assert "same command" in (result.errors[0].advice or "")
    assert one(farm).lock is None
    monkeypatch.undo()
    one(farm).answers = lambda _: 200
    assert farm.apply(bundle(chat("chat-0", "code-0"))).exit_code == 0


def test_a_locked_host_is_not_touched_and_its_holder_is_named(farm: FakeFarm) -> None:
    one(farm).lock = ("other", "she@desktop since 10:00")
    result = farm.apply(bundle(chat()))
    assert result.exit_code == 5
    (error,) = result.errors
    assert isinstance(error, HostLocked)
    assert "she@desktop since 10:00" in (error.cause or "")
    assert one(farm).lock == ("other", "she@desktop since 10:00")
    assert one(farm).releases == {}


def test_a_host_that_moved_on_is_not_touched(farm: FakeFarm) -> None:
    with farm.connections() as connections:
        plan = farm.plan(bundle(chat()), connections)
        one(farm).places.add("roots/stranger")
        result = farm.execute(plan, connections)
    assert result.exit_code == 8
    assert one(farm).releases == {}
    assert one(farm).lock is None


def test_a_broken_connection_ends_that_host_and_gives_the_lock_back(farm: FakeFarm) -> None:
    host = one(farm)
    host.budget = 7
    broken: list[int] = []

    def heal(event: object) -> None:
        if isinstance(event, OperationFailed):
            host.budget = None
            broken.append(1)

    farm.events = type("Events", (list,), {"append": lambda self, e: heal(e)})()
    result = farm.apply(bundle(chat()))
    assert broken == [1]
    assert result.exit_code == 4
    assert result.hosts["box"].not_tried
    assert host.lock is None
    assert len(farm.opened) == 1  # the lock ends with the connection that holds it


def test_killed_after_any_number_of_calls_the_next_apply_converges(tmp_path: Path) -> None:
    model = model_file(tmp_path)
    first = bundle(host_bundle(workload("chat-0"), workload("old-0")))
    second = bundle(host_bundle(workload("chat-0", "new", artifacts=(model,)), artifacts=(model,)))
    for budget in range(40):
        farm = FakeFarm({"box": FakeHost()})
        farm.apply(first)
        host = one(farm)
        host.budget = budget
        farm.apply(second)
        finished = host.budget
        host.budget, host.lock = None, None
        assert farm.apply(second).exit_code == 0
        assert farm.plan(second).empty
        assert sorted(host.workloads) == ["chat-0"]
        assert host.incoming == {}
        if finished:
            break
    else:
        pytest.fail("the budget never sufficed")
    assert budget > 10


def test_a_saved_plan_is_the_plan(farm: FakeFarm, tmp_path: Path) -> None:
    model = model_file(tmp_path)
    farm.apply(bundle(chat("chat-0", "old-0")))
    farm.token = "token-2"
    wanted = bundle(host_bundle(workload("chat-0", "new", artifacts=(model,)), artifacts=(model,)))
    with farm.connections() as connections:
        plan = farm.plan(wanted, connections)
        text = json.dumps(save_plan(plan, plan_to_dict(plan)))
        loaded = load_plan(json.loads(text))
        assert loaded == plan
        assert farm.execute(loaded, connections).exit_code == 0
    assert farm.plan(wanted).empty


@pytest.mark.parametrize("data", [None, [], {}, {"project": "p"}, {"saved": {"schema": 9}}])
def test_what_is_no_saved_plan_is_refused(data: object) -> None:
    with pytest.raises(UsageError, match="not a plan"):
        load_plan(data)


def test_each_host_is_reported_once_when_it_ends() -> None:
    farm = FakeFarm({"one": FakeHost(), "two": FakeHost()})
    farm.apply(
        bundle(
            host_bundle(workload("chat-0"), host="one"), host_bundle(workload("code-0"), host="two")
        )
    )
    ended = [event.host for event in farm.events if isinstance(event, HostFinished)]
    assert sorted(ended) == ["one", "two"]
