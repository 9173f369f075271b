"""Another version of an engine: the plan names the options that have another name there."""

from __future__ import annotations

from dataclasses import replace

from planner.diff.differ import diff
from planner.diff.versions import change
from planner.engines.arguments import renamed_options
from planner.render.bundle import Workload
from planner.render.manifest import read_manifest, render_manifest
from tests.diff.examples import as_rendered, host_bundle, workload
from tests.engines.launches import engine_of, launch, model_facts, one_card


def vllm(version: str, **spec: object) -> Workload:
    fields = {"facts": model_facts("Qwen/Qwen3-8B"), "yarn": 2.0, "context": 65536}
    told = launch("vllm", one_card(), version=version, fields=fields, **spec)
    names = renamed_options(engine_of("vllm"), told)
    plain = workload("embed-0", f"vllm {version}")
    return replace(plain, engine="vllm", version=version, renamed=names)


def cause(before: Workload, after: Workload) -> str:
    operations = diff(host_bundle(after), as_rendered(host_bundle(before)))
    [start] = [item for item in operations if item.target == "embed-0" and item.kind == "start"]
    return start.cause


def test_the_plan_names_what_was_renamed() -> None:
    old, new = vllm("0.9.2", task="embedding"), vllm("0.33.0", task="embedding")
    assert cause(old, new).startswith(
        "another engine version, vllm 0.9.2 -> 0.33.0: --rope-scaling is now --hf-overrides, "
        "--task is now --runner (digest "
    )


def test_going_back_names_it_the_other_way_round() -> None:
    old, new = vllm("0.9.2", task="embedding"), vllm("0.33.0", task="embedding")
    assert "--runner is now --task" in cause(new, old)


def test_a_version_that_renames_nothing_of_it_is_named_alone() -> None:
    old, new = vllm("0.30.0"), vllm("0.31.0")
    assert change(new, old) == "vllm 0.30.0 -> 0.31.0"
    assert change(new, new) == ""
    assert change(new, None) == ""


def test_another_engine_is_named() -> None:
    old, new = vllm("0.30.0"), replace(vllm("0.31.0"), engine="sglang", version="0.5.23")
    assert change(new, old) == "vllm -> sglang"


def test_a_release_of_before_says_no_version() -> None:
    old = replace(vllm("0.30.0"), version="", renamed=())
    assert change(vllm("0.31.0"), old) == ""


def test_a_host_remembers_the_names() -> None:
    given = vllm("0.33.0", task="embedding")
    file = render_manifest("demo", "box", (), (given,), ())
    assert read_manifest(file.content).workloads == (given,)
