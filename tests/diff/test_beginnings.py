"""A project with another name would begin a second time: the plan says so before it does."""

from __future__ import annotations

from dataclasses import replace

from planner.diff.planning import make_plan
from planner.diff.values import Observed
from planner.render.bundle import Bundle
from tests.diff.examples import PROJECT, as_rendered, bare, bundle, host_bundle, workload

CHAT = host_bundle(workload("chat-0"))


def said(wanted: Bundle, **seen: Observed) -> list[str]:
    return [
        item.summary for item in make_plan(wanted, seen).diagnostics if "beside" in item.summary
    ]


def test_a_project_that_begins_where_another_runs_is_warned_of() -> None:
    other = replace(bare("node"), others=("home", "lab"))
    assert said(bundle(CHAT), box=bare(), node=other) == [
        f"node has project home, lab already; {PROJECT} begins beside it"
    ]


def test_one_that_is_there_already_shares_its_hosts_without_a_word() -> None:
    other = replace(bare("node"), others=("home",))
    assert said(bundle(CHAT), box=as_rendered(CHAT), node=other) == []
    assert said(Bundle(PROJECT, ()), node=other) == []
