"""Data is deleted by name and by nothing else; an emptied blueprint deletes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.diagnostics import has_errors
from planner.diff.data import plan_deletion
from planner.diff.planning import make_plan
from planner.diff.saved import load_plan, save_plan
from planner.diff.values import Observed, RemoveData
from planner.errors import HostUnreachable
from planner.render.bundle import Bundle
from planner.views.plan import plan_to_dict, plan_to_text
from tests.diff.examples import PROJECT, as_rendered, bare, bundle, host_bundle, workload

CHAT = host_bundle(workload("chat-0"))


def holding(seen: Observed, **data: tuple[str, ...]) -> Observed:
    return replace(seen, data=data)


@pytest.mark.parametrize(
    "wanted",
    [
        bundle(CHAT),
        bundle(host_bundle(workload("talk-0"))),
        bundle(host_bundle()),
        Bundle(PROJECT, ()),
    ],
    ids=["same", "renamed", "emptied", "destroy"],
)
def test_no_plan_deletes_data(wanted: Bundle) -> None:
    host = holding(as_rendered(CHAT), notes=("chat-0",), idle=())
    plan = make_plan(wanted, {"box": host})
    assert not any("notes" in step.id or "idle" in step.id for step in plan.operations)


def test_destroying_says_what_data_stays_and_how_it_goes() -> None:
    host = holding(as_rendered(CHAT), notes=())
    plan = make_plan(Bundle(PROJECT, ()), {"box": host})
    assert [step.kind for step in plan.operations] == ["stop", "remove-project"]
    [said] = plan.diagnostics
    assert said.summary == "data 'notes' on box stays"
    assert "--data notes" in str(said.advice)


def test_one_name_deletes_that_data_wherever_it_lies_and_nothing_else() -> None:
    hosts = {
        "box": holding(as_rendered(CHAT), notes=(), idle=()),
        "node": holding(bare("node"), notes=()),
        "other": holding(bare("other"), idle=()),
        "dead": HostUnreachable("dead"),
    }
    plan = plan_deletion(PROJECT, hosts, ("notes",))
    assert [(s.host, s.kind, s.target) for s in plan.operations] == [
        ("box", "remove-data", "data notes"),
        ("node", "remove-data", "data notes"),
    ]
    assert all(step.destructive for step in plan.operations)
    assert plan.reasons == {"other": "no data named notes is on it; it has idle"}
    assert "- remove-data data notes: you have named it" in plan_to_text(plan)
    again = load_plan(save_plan(plan, plan_to_dict(plan)))
    assert again.operations == plan.operations
    assert isinstance(again.operations[0], RemoveData)


def test_data_in_use_is_not_deleted() -> None:
    plan = plan_deletion(PROJECT, {"box": holding(bare(), notes=("n8n-0",))}, ("notes",))
    assert has_errors(plan.diagnostics)
    assert "n8n-0 would lose it" in str(plan.diagnostics[0].detail)


def test_an_emptied_blueprint_is_refused_where_something_runs() -> None:
    plan = make_plan(bundle(host_bundle()), {"box": as_rendered(CHAT)})
    assert has_errors(plan.diagnostics)
    [said] = plan.diagnostics
    assert said.summary == "the blueprint asks for nothing, and would take everything away"
    assert "chat-0 on box" in str(said.detail)
    assert not make_plan(bundle(host_bundle()), {"box": bare()}).diagnostics


def test_taking_one_of_two_away_is_an_ordinary_change() -> None:
    both = host_bundle(workload("chat-0"), workload("code-0"))
    plan = make_plan(bundle(CHAT), {"box": as_rendered(both)})
    assert not plan.diagnostics
    assert "stop" in {step.kind for step in plan.operations}
