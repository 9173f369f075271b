"""A second one beside what serves alone, on hosts in memory: what a failure leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.farm import SURGE
from planner.remote.fake import FakeHost, FakeWorkload
from planner.render.bundle import Bundle, Runtime
from tests.apply.fakes import FakeFarm
from tests.apply.test_execute import BOTH, one
from tests.diff.examples import bundle, host_bundle, workload

GIB = 1 << 30


@pytest.fixture
def farm() -> FakeFarm:
    return FakeFarm({"box": FakeHost()})


def alone(settings: str, runtime: Runtime) -> Bundle:
    """A model with one replica, and room for two."""
    model = replace(workload("chat-0", settings, runtime=runtime), memory=(("ram", GIB),))
    return bundle(host_bundle(model, surges=(replace(model, name=f"chat-0{SURGE}"),)))


@pytest.mark.parametrize("runtime", BOTH)
def test_a_new_version_answers_before_the_old_one_stops(farm: FakeFarm, runtime: Runtime) -> None:
    farm.apply(alone("old", runtime))
    host = one(farm)
    order: list[tuple[str, str | None]] = []
    host.on_start = lambda name, _: order.append((name, host.wanted_digest(name)))
    wanted = alone("new", runtime)
    assert farm.apply(wanted).exit_code == 0
    assert [name for name, _ in order] == ["chat-0-surge", "chat-0"]
    assert list(host.workloads) == ["chat-0"]
    assert host.unproven == set()
    assert farm.plan(wanted).empty


@pytest.mark.parametrize("runtime", BOTH)
def test_one_that_fails_beside_it_leaves_the_old_one_alone(
    farm: FakeFarm, runtime: Runtime
) -> None:
    old = alone("old", runtime)
    farm.apply(old)
    host = one(farm)
    serving, release = host.workloads["chat-0"].identity, host.current

    def on_start(name: str, started: FakeWorkload) -> None:
        started.state, started.log = "exited", "CUDA out of memory"

    host.on_start = on_start
    result = farm.apply(alone("new", runtime))
    assert result.exit_code == 8
    assert "CUDA out of memory" in (result.errors[0].cause or "")
    assert host.workloads["chat-0"].identity == serving
    assert list(host.workloads) == ["chat-0"]
    assert (host.current, host.pending) == (release, None)
    assert farm.plan(old).empty


@pytest.mark.parametrize("runtime", BOTH)
def test_one_that_fails_in_its_place_is_taken_back(farm: FakeFarm, runtime: Runtime) -> None:
    old = alone("old", runtime)
    farm.apply(old)
    host = one(farm)

    def on_start(name: str, started: FakeWorkload) -> None:
        if name == "chat-0" and started.digest == new.digest:
            started.state = "exited"

    [new] = alone("new", runtime).hosts[0].workloads
    host.on_start = on_start
    assert farm.apply(alone("new", runtime)).exit_code == 8
    assert list(host.workloads) == ["chat-0"]
    assert farm.plan(old).empty


def test_one_that_will_not_leave_costs_the_new_version_nothing(farm: FakeFarm) -> None:
    farm.apply(alone("old", Runtime.COMPOSE))
    host = one(farm)
    host.breaks["stop"] = "Docker does not answer"
    wanted = alone("new", Runtime.COMPOSE)
    result = farm.apply(wanted)
    assert result.exit_code == 8
    assert result.errors[0].summary.startswith("stop-surge chat-0-surge failed")
    assert host.workloads["chat-0"].digest == wanted.hosts[0].workloads[0].digest
    assert host.pending is None
    host.breaks.clear()
    assert farm.apply(wanted).exit_code == 0
    assert list(host.workloads) == ["chat-0"]
