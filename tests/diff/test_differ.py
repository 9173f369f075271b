"""What a host needs, compared as printed plans."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.diff.differ import KEPT_RELEASES, diff, empty_bundle, kept
from planner.diff.planning import make_plan
from planner.diff.saved import load_plan, save_plan
from planner.diff.values import Health, Observed, Operation, SeenWorkload
from planner.errors import HostUnreachable
from planner.render.bundle import Artifact, ArtifactKind, HostBundle, Runtime
from planner.views.plan import plan_to_dict
from tests.diff.examples import (
    PROJECT,
    as_rendered,
    bare,
    bundle,
    host_bundle,
    weights,
    workload,
)

BOTH = [Runtime.COMPOSE, Runtime.SYSTEMD]


def printed(operations: tuple[Operation, ...]) -> list[str]:
    return [f"{step.kind} {step.target}: {step.cause}" for step in operations]


def seen_as(seen: Observed, name: str, **changes: object) -> Observed:
    """The host with one workload seen differently."""
    workloads = tuple(
        replace(w, **changes) if w.name == name else w  # type: ignore[arg-type]
        for w in seen.workloads
    )
    return replace(seen, workloads=workloads)


def assert_ordered(operations: tuple[Operation, ...]) -> None:
    """Every operation stands behind what it depends on."""
    before: set[str] = set()
    for step in operations:
        assert set(step.depends_on) <= before, step.id
        assert step.id not in before
        before.add(step.id)


@pytest.mark.parametrize("runtime", BOTH)
def test_a_host_as_rendered_needs_nothing_and_says_why(runtime: Runtime) -> None:
    model = weights()
    wanted = host_bundle(
        workload("chat-0", runtime=runtime, artifacts=(model,)), artifacts=(model,)
    )
    plan = make_plan(bundle(wanted), {"box": as_rendered(wanted)})
    assert plan.empty
    assert plan.keep == 1
    short = wanted.digest[:8]
    assert plan.reasons == {
        "box": f"release {short} is current, its 2 files and 1 workload are as rendered"
    }


def test_a_bare_host_gets_everything_in_order() -> None:
    model = weights()
    wanted = host_bundle(workload("chat-0", artifacts=(model,)), artifacts=(model,))
    operations = diff(wanted, bare())
    assert_ordered(operations)
    assert printed(operations) == [
        "push tiny.gguf: not on the host yet, chat-0 needs it",
        f"write release {wanted.digest}: the host has no release yet",
        f"activate release {wanted.digest}: current release none -> {wanted.digest[:8]}",
        "start chat-0: not on the host yet",
        "verify chat-0: it has to answer /health on port 8000",
    ]


@pytest.mark.parametrize("runtime", BOTH)
def test_a_changed_setting_replaces_that_workload_only(runtime: Runtime) -> None:
    before = host_bundle(workload("chat-0", runtime=runtime), workload("code-0", runtime=runtime))
    after = host_bundle(
        workload("chat-0", "context 8192", runtime=runtime), workload("code-0", runtime=runtime)
    )
    plan = make_plan(bundle(after), {"box": as_rendered(before)})
    old, new = before.workloads[0].digest[:8], after.workloads[0].digest[:8]
    assert [(step.kind, step.target) for step in plan.operations] == [
        ("write", f"release {after.digest}"),
        ("activate", f"release {after.digest}"),
        ("start", "chat-0"),
        ("verify", "chat-0"),
    ]
    assert plan.operations[2].cause == f"its settings changed (digest {old} -> {new})"
    assert plan.kept == {"box": ("code-0",)}
    assert [(i.workload, i.seconds) for i in plan.interruptions] == [("chat-0", 90)]


@pytest.mark.parametrize(
    ("health", "cause"),
    [
        (Health.STOPPED, "not running (Exited (1))"),
        (Health.RESTARTING, "keeps restarting (Exited (1))"),
        (Health.UNHEALTHY, "runs, but is not healthy (Exited (1))"),
    ],
)
def test_a_dead_workload_is_found(health: Health, cause: str) -> None:
    wanted = host_bundle(workload("chat-0"), workload("code-0"))
    seen = seen_as(as_rendered(wanted), "chat-0", health=health, detail="Exited (1)")
    assert printed(diff(wanted, seen)) == [
        f"start chat-0: {cause}",
        "verify chat-0: it has to answer /health on port 8000",
    ]
    assert kept(wanted, seen) == ("code-0",)


def test_a_workload_that_does_not_serve_interrupts_nothing() -> None:
    wanted = host_bundle(workload("chat-0"))
    seen = seen_as(as_rendered(wanted), "chat-0", health=Health.STOPPED)
    plan = make_plan(bundle(wanted), {"box": seen})
    assert plan.operations
    assert not plan.interruptions


@pytest.mark.parametrize(
    ("files", "cause"),
    [
        ({"compose.yaml": "0" * 64}, "file compose.yaml was changed on the host"),
        ({"compose.yaml": None}, "file compose.yaml is missing on the host"),
        ({"extra.txt": "0" * 64}, "file extra.txt on the host is not of this release"),
    ],
)
def test_a_drifted_file_is_written_again_without_a_restart(
    files: dict[str, str | None], cause: str
) -> None:
    wanted = host_bundle(workload("chat-0"))
    seen = as_rendered(wanted)
    mixed = {**seen.files, **files}
    seen = replace(seen, files={path: digest for path, digest in mixed.items() if digest})
    assert printed(diff(wanted, seen)) == [
        f"write release {wanted.digest}: {cause}",
        f"activate release {wanted.digest}: its files are written again",
    ]


@pytest.mark.parametrize("units", [{}, {"planner-demo-chat-0.service": False}])
def test_a_unit_link_that_is_gone_is_set_again(units: dict[str, bool]) -> None:
    wanted = host_bundle(workload("chat-0", runtime=Runtime.SYSTEMD))
    seen = replace(as_rendered(wanted), units=units)
    assert printed(diff(wanted, seen)) == [
        f"activate release {wanted.digest}: systemd's link to planner-demo-chat-0.service is not "
        "as it should be"
    ]


@pytest.mark.parametrize("runtime", BOTH)
def test_a_rename_is_a_rename(runtime: Runtime) -> None:
    """Its files stay, nothing travels, and the plan says for how long it does not answer."""
    model, other = weights(), weights("other.gguf", b"other")
    kept_one = workload("code-0", runtime=runtime, artifacts=(other,))
    before = host_bundle(
        workload("chat-0", runtime=runtime, artifacts=(model,)), kept_one, artifacts=(model, other)
    )
    after = host_bundle(
        workload("talk-0", runtime=runtime, artifacts=(model,)), kept_one, artifacts=(model, other)
    )
    plan = make_plan(bundle(after), {"box": as_rendered(before)})
    said = {step.kind: f"{step.target}: {step.cause}" for step in plan.operations}
    assert list(said) == ["write", "stop", "activate", "start", "verify"]
    assert said["stop"] == "chat-0: its name is talk-0 now"
    assert said["start"] == "talk-0: it was chat-0 before"
    assert [(i.workload, i.seconds) for i in plan.interruptions] == [("talk-0", 90)]
    assert plan.kept == {"box": ("code-0",)}
    assert load_plan(save_plan(plan, plan_to_dict(plan))).operations == plan.operations


def test_another_model_in_the_place_of_one_is_no_rename() -> None:
    old, new = weights(), weights("new.gguf", b"new")
    before = host_bundle(workload("chat-0", artifacts=(old,)), artifacts=(old,))
    after = host_bundle(workload("talk-0", artifacts=(new,)), artifacts=(new,))
    plan = make_plan(bundle(after), {"box": as_rendered(before)})
    causes = {step.kind: step.cause for step in plan.operations}
    assert causes["stop"] == "not in the blueprint any more"
    assert causes["start"] == "not on the host yet"
    assert not plan.interruptions


def test_what_is_not_wanted_is_stopped_before_the_switch_and_its_artifacts_go_last() -> None:
    model = weights("old.gguf", b"old")
    before = host_bundle(
        workload("chat-0"), workload("code-0", artifacts=(model,)), artifacts=(model,)
    )
    after = host_bundle(workload("chat-0"))
    # what has no release to go back to: its own description is gone
    operations = diff(after, replace(as_rendered(before), manifests={}))
    assert_ordered(operations)
    assert [step.kind for step in operations] == ["write", "stop", "activate", "remove"]
    assert [step.destructive for step in operations] == [False, True, False, True]
    assert operations[1].cause == "not in the blueprint any more"
    assert set(operations[-1].depends_on) == {step.id for step in operations[:-1]}


def test_nothing_is_stopped_before_every_transfer_is_done() -> None:
    model = weights()
    before = host_bundle(workload("code-0"))
    after = host_bundle(workload("chat-0", artifacts=(model,)), artifacts=(model,))
    operations = diff(after, as_rendered(before))
    stop = next(step for step in operations if step.kind == "stop")
    push = next(step for step in operations if step.kind == "push")
    assert push.id in stop.depends_on


def test_new_models_load_side_by_side() -> None:
    wanted = host_bundle(workload("chat-0"), workload("chat-1"), workload("code-0"))
    kinds = [(step.kind, step.target) for step in diff(wanted, bare())][2:]
    assert kinds == [
        ("start", "chat-0"),
        ("start", "chat-1"),
        ("start", "code-0"),
        ("verify", "chat-0"),
        ("verify", "chat-1"),
        ("verify", "code-0"),
    ]


def test_replicas_that_serve_are_replaced_one_after_the_other() -> None:
    names = ("chat-0", "chat-1", "code-0")
    before = host_bundle(*(workload(name) for name in names))
    after = host_bundle(*(workload(name, "new") for name in names))
    operations = diff(after, as_rendered(before))
    assert_ordered(operations)
    second = next(step for step in operations if step.id == "box/start/chat-1")
    assert "box/verify/chat-0" in second.depends_on
    other = next(step for step in operations if step.id == "box/start/code-0")
    assert not any("verify" in name for name in other.depends_on)


def test_an_artifact_that_two_workloads_share_is_pushed_once() -> None:
    model = weights()
    both = tuple(workload(name, artifacts=(model,)) for name in ("chat-0", "chat-1"))
    wanted = host_bundle(*both, artifacts=(model, model))
    pushes = [step for step in diff(wanted, bare()) if step.kind == "push"]
    assert [step.cause for step in pushes] == ["not on the host yet, chat-0, chat-1 need it"]


def test_a_part_on_the_host_is_gone_on_with_and_others_are_swept() -> None:
    model = weights()
    wanted = host_bundle(workload("chat-0", artifacts=(model,)), artifacts=(model,))
    parts = {f"incoming/{model.key}.part", "incoming/other.part"}
    operations = diff(wanted, replace(bare(), artifacts=frozenset(parts)))
    assert operations[0].cause == "a part is on the host already, chat-0 needs it"
    assert [step.target for step in operations if step.kind == "remove"] == ["incoming/other.part"]


def test_images_of_others_are_left_alone() -> None:
    wanted = host_bundle(workload("chat-0"))
    seen = replace(as_rendered(wanted), artifacts=frozenset({"registry/postgres@sha256:aa"}))
    assert diff(wanted, seen) == ()


def test_a_registry_image_is_fetched_unless_docker_has_that_digest() -> None:
    image = Artifact(
        ArtifactKind.REGISTRY_IMAGE,
        "docker.io/vllm/vllm-openai:v0.19.0@sha256:ab",
        "docker.io/vllm/vllm-openai:v0.19.0@sha256:ab",
    )
    wanted = host_bundle(workload("chat-0", artifacts=(image,)), artifacts=(image,))
    assert diff(wanted, bare())[0].kind == "fetch"
    has = replace(bare(), artifacts=frozenset({"registry/vllm/vllm-openai@sha256:ab"}))
    assert "fetch" not in [step.kind for step in diff(wanted, has)]


def test_old_releases_go_but_the_kept_ones_stay() -> None:
    wanted = host_bundle(workload("chat-0"))
    old = tuple(f"old{number}" for number in range(KEPT_RELEASES + 1))
    seen = replace(as_rendered(wanted), releases=(wanted.digest, *old))
    removed = [step.target for step in diff(wanted, seen)]
    assert removed == [f"releases/old{KEPT_RELEASES - 1}", f"releases/old{KEPT_RELEASES}"]


def test_what_a_kept_release_needs_stays_and_goes_with_the_release() -> None:
    model = weights("old.gguf", b"old")
    image = Artifact(ArtifactKind.REGISTRY_IMAGE, "a/b@sha256:12", "a/b@sha256:12")
    before = host_bundle(workload("chat-0", "old"), artifacts=(model, image))
    wanted = host_bundle(workload("chat-0"))
    mark = "image/planner.local/demo:12"
    places = as_rendered(before).artifacts | {mark}
    seen = replace(
        as_rendered(wanted),
        artifacts=places,
        releases=(wanted.digest, "r1", "r2", "r3", before.digest),
        manifests=as_rendered(before).manifests,
    )
    assert diff(wanted, seen) == ()
    older = replace(seen, releases=(wanted.digest, "r1", "r2", "r3", "r4", before.digest))
    removed = {step.target for step in diff(wanted, older)}
    assert removed == {mark, f"weights/{model.key}/old.gguf", f"releases/{before.digest}"}


def test_the_release_that_serves_stays_however_old_it_is() -> None:
    before, wanted = host_bundle(workload("chat-0", "old")), host_bundle(workload("chat-0"))
    releases = ("r1", "r2", "r3", "r4", "r5", before.digest)
    steps = diff(wanted, replace(as_rendered(before), releases=releases))
    assert [step.target for step in steps if step.kind == "remove"] == [
        "releases/r4",
        "releases/r5",
    ]


def test_destroy_is_a_plan_for_an_empty_bundle() -> None:
    wanted = host_bundle(workload("chat-0"), workload("code-0"))
    plan = make_plan(bundle(), {"box": as_rendered(wanted)})
    assert_ordered(plan.operations)
    assert [step.kind for step in plan.operations] == ["stop", "stop", "remove-project"]
    assert all(step.destructive for step in plan.operations)
    assert {step.cause for step in plan.operations} == {"the project leaves this host"}
    assert plan.releases == {"box": None}


def test_destroy_of_a_bare_host_does_nothing() -> None:
    plan = make_plan(bundle(), {"box": bare()})
    assert plan.empty
    assert plan.reasons == {"box": f"nothing of project {PROJECT} is on it"}


@pytest.mark.parametrize(
    "trace",
    [
        {"folder": True},
        {"artifacts": frozenset({"image/planner.local/demo:ab"})},
        {"units": {"planner-demo-chat-0.service": False}},
        {"workloads": (SeenWorkload("chat-0", Runtime.COMPOSE, "d", Health.STOPPED),)},
    ],
)
def test_destroy_finds_every_trace(trace: dict[str, object]) -> None:
    seen = replace(bare(), **trace)  # type: ignore[arg-type]
    assert diff(empty_bundle("box", PROJECT), seen)[-1].kind == "remove-project"


def test_a_runtime_change_stops_the_old_and_starts_the_new() -> None:
    before = host_bundle(workload("chat-0"))
    after = host_bundle(workload("chat-0", runtime=Runtime.SYSTEMD))
    kinds = [step.kind for step in diff(after, as_rendered(before))]
    assert kinds == ["write", "stop", "activate", "start", "verify"]


def test_a_host_that_could_not_be_asked_is_named_and_left_alone() -> None:
    wanted: HostBundle = host_bundle(workload("chat-0"))
    plan = make_plan(bundle(wanted), {"box": HostUnreachable("box cannot be reached")})
    assert plan.empty
    assert plan.unseen == {"box": "box cannot be reached"}
    assert not plan.reasons


def test_the_fingerprint_is_blind_to_what_changes_by_itself() -> None:
    seen = as_rendered(host_bundle(workload("chat-0")))
    assert replace(seen, disk_free_bytes=1).fingerprint == seen.fingerprint
    assert seen_as(seen, "chat-0", detail="Up 3 s").fingerprint == seen.fingerprint
    assert seen_as(seen, "chat-0", health=Health.STOPPED).fingerprint == seen.fingerprint
    assert replace(seen, workloads=()).fingerprint != seen.fingerprint
    assert replace(seen, release="other").fingerprint != seen.fingerprint
    assert replace(seen, artifacts=frozenset({"roots/x"})).fingerprint != seen.fingerprint
