"""What engines logged is kept, shown beside the prediction, and used by the next sizing."""
# ruff: noqa: F401, F811

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.remote.fake import FakeWorkload
from planner.units import MIB
from tests.cli.conftest import Planner
from tests.cli.test_hosts import Hosts, farm, hosts, narrow, written

LOG = """\
load_tensors:   CPU_Mapped model buffer size =     {weights} MiB
llama_context: constructing llama_context
llama_context: n_ctx                 = 4096
llama_kv_cache:        CPU KV buffer size =     {cache} MiB
sched_reserve:        CPU compute buffer size =     3.50 MiB
srv  launch_slot_: a question nobody else should read
"""


@pytest.fixture
def talking(planner: Planner, hosts: Hosts, farm: Path) -> Path:
    """The farm, applied; chat's engine told what it takes, and it was more than predicted."""

    def said(name: str, workload: FakeWorkload) -> None:
        workload.log = LOG.format(weights="0.58", cache="77.00")

    hosts.left.on_start = said
    assert planner("apply", str(farm), "--yes").code == 0
    hosts.left.calls.clear()
    hosts.right.calls.clear()
    return farm


def memory(planner: Planner, path: Path) -> dict[str, Any]:
    """What status says of chat's memory, by term."""
    answer = json.loads(planner("status", str(path), "--format", "json").out)
    (chat,) = answer["hosts"][0]["workloads"]
    return {term["name"]: term for term in (chat["memory"] or {"terms": []})["terms"]}


def sized(planner: Planner, path: Path) -> dict[str, Any]:
    """What size says of chat."""
    answer = json.loads(planner("size", str(path), "--format", "json").out)
    replica: dict[str, Any] = answer["replicas"][0]
    return replica


def cache(replica: dict[str, Any]) -> dict[str, Any]:
    terms = replica["size"]["host"]["terms"]
    return next(term for term in terms if term["name"] == "kv_cache")


def test_apply_keeps_what_the_engine_said(planner: Planner, hosts: Hosts, talking: Path) -> None:
    record = json.loads((talking.parent / ".planner/farm.json").read_text())
    (kept,) = record["measured"].values()
    assert kept["host"] == "left"
    assert kept["measured"]["host"]["kv_bytes"] == 77 * MIB
    assert "question" not in json.dumps(record)


def test_status_shows_predicted_and_real(planner: Planner, hosts: Hosts, talking: Path) -> None:
    answer = planner("status", str(talking))
    assert answer.code == 0
    assert narrow(answer)
    assert "predicted" in answer.out
    assert "77.0 MiB" in answer.out
    row = memory(planner, talking)["kv_cache"]
    assert (row["place"], row["real"]) == ("RAM", 77 * MIB)
    expected = (row["predicted"] - row["real"]) / row["real"] * 100
    assert row["percent"] == round(expected, 2)


def test_one_question_a_host(planner: Planner, hosts: Hosts, talking: Path) -> None:
    planner("status", str(talking))
    assert [call for call in hosts.left.calls if call != "http"] == ["observe", "start_log"]


def test_an_apply_that_changes_nothing_reads_no_log(
    planner: Planner, hosts: Hosts, talking: Path
) -> None:
    assert planner("apply", str(talking), "--yes").code == 0
    assert hosts.left.calls == ["observe"]


def test_the_next_sizing_uses_what_was_seen(planner: Planner, hosts: Hosts, talking: Path) -> None:
    replica = sized(planner, talking)
    assert cache(replica)["bytes"] == 77 * MIB
    assert cache(replica)["why"].startswith("measured on left by the engine, ")
    assert "; computed " in cache(replica)["why"]
    assert replica["measured"]["host"] == "left"
    shown = planner("size", str(talking))
    assert "measured on left, " in shown.out
    assert narrow(shown)


def test_other_settings_are_sized_anew(planner: Planner, hosts: Hosts, talking: Path) -> None:
    replica = sized(planner, written(talking, "8k"))
    assert replica["measured"] is None
    assert cache(replica)["bytes"] != 77 * MIB
    assert memory(planner, talking) == {}  # what runs is not what the blueprint says
    assert sized(planner, written(talking, "4k"))["measured"] is not None


def test_another_machine_of_the_same_name_is_sized_anew(
    planner: Planner, hosts: Hosts, talking: Path
) -> None:
    talking.write_text(talking.read_text().replace("root@10.0.0.1", "root@10.0.0.9"))
    assert sized(planner, talking)["measured"] is None


def test_files_do_not_depend_on_the_record(planner: Planner, hosts: Hosts, talking: Path) -> None:
    before = planner("render", str(talking)).out
    (talking.parent / ".planner/farm.json").unlink()
    assert planner("render", str(talking)).out == before
    assert planner("plan", str(talking), "--detailed-exitcode").code == 0


def test_status_fills_a_lost_record(planner: Planner, hosts: Hosts, talking: Path) -> None:
    (talking.parent / ".planner/farm.json").unlink()
    assert sized(planner, talking)["measured"] is None
    planner("status", str(talking))
    assert cache(sized(planner, talking))["bytes"] == 77 * MIB


def test_a_log_that_lost_its_beginning_forgets_nothing(
    planner: Planner, hosts: Hosts, talking: Path
) -> None:
    hosts.left.workloads["chat-0"].log = "sched_reserve: CPU compute buffer size = 9.00 MiB\n"
    assert memory(planner, talking)["kv_cache"]["real"] == 77 * MIB
    hosts.left.workloads["chat-0"].log = ""
    assert memory(planner, talking)["kv_cache"]["real"] == 77 * MIB


def test_a_restart_that_takes_more_is_believed(
    planner: Planner, hosts: Hosts, talking: Path
) -> None:
    hosts.left.workloads["chat-0"].log = LOG.format(weights="0.58", cache="99.00")
    assert memory(planner, talking)["kv_cache"]["real"] == 99 * MIB
    assert cache(sized(planner, talking))["bytes"] == 99 * MIB


def test_nothing_fails_for_want_of_a_measurement(
    planner: Planner, hosts: Hosts, talking: Path
) -> None:
    hosts.left.breaks["start_log"] = "journalctl: not found"
    (talking.parent / ".planner/farm.json").write_text("{")
    status = planner("status", str(talking))
    assert (status.code, "running" in status.out) == (0, True)
    record = talking.parent / ".planner/farm.json"
    assert json.loads(record.read_text())["project"] == "farm"
    record.write_text('{"schema": 9, "project": "farm"}')
    answer = planner("size", str(talking))
    assert answer.code == 0
    assert "nothing that engines measured is used" in answer.err
