"""A plan and its progress, drawn."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from planner.apply.events import HostStarted, OperationProgress
from planner.diff.planning import make_plan
from planner.diff.values import Health, Observed, Plan
from planner.errors import HostUnreachable, PlannerError
from planner.remote.fake import FakeHost
from planner.views.plan import plan_to_dict, plan_to_text
from planner.views.progress import progress
from tests.apply.fakes import FakeFarm
from tests.diff.examples import as_rendered, bare, bundle, host_bundle, weights, workload

DRAWN = """\
brain
  + push     tiny.gguf (3.0 GiB): not on the host yet, chat-0 needs it
  + write    release 1b8bc172a7790ed7: the host has release 381111dd: 2 files
    changed
  - stop     old-0: not in the blueprint any more
  ~ activate release 1b8bc172a7790ed7: current release 381111dd -> 1b8bc172
  ~ replace  chat-0: its settings changed (digest c5f470cd -> 114e8fdb)
  ? verify   chat-0: it has to answer /health on port 8000
  = keep     code-0

coder
  = nothing to do: release 8181c374 is current, its 2 files and 1 workload are
    as rendered

cloud
  ! not asked: cloud cannot be reached on port 22

Interruptions
  stops chat-0 on brain for about 90 s: its settings changed (digest c5f470cd ->
    114e8fdb)

Plan: 0 to create, 1 to update, 1 to delete, 2 to keep; 3.0 GiB to transfer.
"""


def example() -> Plan:
    model = replace(weights(), bytes=3 << 30)
    before = host_bundle(workload("chat-0"), workload("code-0"), workload("old-0"), host="brain")
    after = host_bundle(
        workload("chat-0", "context 8192", artifacts=(model,)),
        workload("code-0"),
        host="brain",
        artifacts=(model,),
    )
    idle = host_bundle(workload("embed-0"), host="coder")
    seen: dict[str, Observed | PlannerError] = {
        "brain": as_rendered(before),
        "coder": as_rendered(idle),
        "cloud": HostUnreachable("cloud cannot be reached on port 22"),
    }
    return make_plan(bundle(after, idle), seen)


def test_the_text_answers_what_changes_why_and_what_stops() -> None:
    text = plan_to_text(example())
    assert text == DRAWN
    assert max(map(len, text.splitlines())) <= 80


def test_the_dictionary_is_what_scripts_rely_on() -> None:
    data = plan_to_dict(example(), {"monthly": "0"})
    json.dumps(data)
    assert data["project"] == "demo"
    assert data["summary"] == {"create": 0, "update": 1, "delete": 1, "keep": 2}
    assert {"id", "host", "kind", "target", "cause", "destructive", "depends_on"} <= set(
        data["operations"][0]
    )
    assert data["interruptions"][0]["seconds"] == 90
    assert data["cost"] == {"monthly": "0"}
    ids = [row["id"] for row in data["operations"]]
    assert len(ids) == len(set(ids))
    assert all(set(row["depends_on"]) <= set(ids) for row in data["operations"])


def test_a_host_cannot_steer_the_terminal() -> None:
    wanted = host_bundle(workload("chat-0"))
    seen = as_rendered(wanted)
    evil = replace(seen.workloads[0], health=Health.STOPPED, detail="\x1b[2J\x07gone")
    text = plan_to_text(make_plan(bundle(wanted), {"box": replace(seen, workloads=(evil,))}))
    assert "\x1b" not in text
    assert "gone" in text


def test_nothing_to_do_is_said_in_the_last_line() -> None:
    wanted = host_bundle(workload("chat-0"))
    assert plan_to_text(make_plan(bundle(wanted), {"box": as_rendered(wanted)})).endswith(
        "\nNothing to do.\n"
    )
    assert not plan_to_text(make_plan(bundle(wanted), {"box": bare()})).endswith("Nothing to do.\n")


def test_progress_without_a_terminal_is_plain_lines(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"weights")
    model = weights(folder=str(tmp_path))
    farm = FakeFarm({"box": FakeHost()})
    farm.hosts["box"].breaks["start"] = "no such image"
    wanted = bundle(host_bundle(workload("chat-0", artifacts=(model,)), artifacts=(model,)))
    stream = io.StringIO()
    with farm.connections() as connections:
        plan = farm.plan(wanted, connections)
        with progress(stream, plan, {}) as on_event:
            farm.events = type("Events", (list,), {"append": lambda self, e: on_event(e)})()
            farm.execute(plan, connections)
    release = plan.releases["box"]
    assert stream.getvalue().splitlines() == [
        "box  push tiny.gguf: ... 0 B of 7 B",
        "box  push tiny.gguf: done in 0.0 s",
        f"box  write release {release}: done in 0.0 s",
        f"box  activate release {release}: done in 0.0 s",
        "box  start chat-0: FAILED",
        "box  verify chat-0: not tried: start/chat-0 was not done",
        "box  failed: start chat-0 failed",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_draws_and_leaves_one_line_an_operation() -> None:
    farm = FakeFarm({"box": FakeHost()})
    stream = Terminal()
    with farm.connections() as connections:
        plan = farm.plan(bundle(host_bundle(workload("chat-0"))), connections)
        with progress(stream, plan, {"TERM": "xterm"}) as on_event:
            farm.events = type("Events", (list,), {"append": lambda self, e: on_event(e)})()
            assert farm.execute(plan, connections).exit_code == 0
    assert "start chat-0" in stream.getvalue()
    assert "✓" in stream.getvalue()


def test_no_color_means_plain_lines_even_on_a_terminal() -> None:
    stream = Terminal()
    with progress(stream, example(), {"NO_COLOR": "1"}) as on_event:
        assert type(on_event).__name__ == "PlainProgress"


@pytest.mark.parametrize("colors", [{"NO_COLOR": "1"}, {"TERM": "xterm"}])
def test_what_an_engine_does_not_tell_is_shown(colors: dict[str, str]) -> None:
    wanted = bundle(host_bundle(workload("chat-0")))
    stream = Terminal()
    with FakeFarm({"box": FakeHost()}).connections() as connections:
        plan = FakeFarm({"box": FakeHost()}).plan(wanted, connections)
    verify = plan.operations[-1]
    with progress(stream, plan, colors) as on_event:
        on_event(HostStarted("box", 3))
        on_event(OperationProgress(verify, text="does not tell quantization"))
    assert "does not tell quantization" in stream.getvalue()
