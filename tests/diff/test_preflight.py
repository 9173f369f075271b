"""What a host lacks, found before anything is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.diagnostics import Severity
from planner.diff.preflight import HostNeeds, NeededGpu, preflight
from planner.diff.values import Observed, SeenDevice
from planner.render.bundle import Artifact, ArtifactKind, HostBundle, Runtime
from planner.units import GIB, MIB
from tests.diff.examples import as_rendered, bare, host_bundle, weights, workload

RTX = NeededGpu("rtx-4090", ("GeForce RTX 4090",), 24564 * MIB)


def card(name: str, mib: int = 24564) -> SeenDevice:
    return SeenDevice(0, "GPU-0", name, mib * MIB, 0)


def found(wanted: HostBundle, seen: Observed, *gpus: NeededGpu) -> list[tuple[str, str]]:
    needs = HostNeeds(gpus)
    return [(d.severity.value, d.summary) for d in preflight(wanted, seen, needs)]


def test_a_host_with_everything_needs_nothing() -> None:
    assert found(host_bundle(workload("chat-0")), bare()) == []


@pytest.mark.parametrize(
    ("runtime", "lack", "summary"),
    [
        (Runtime.COMPOSE, {"docker": None}, "box has no Docker"),
        (Runtime.COMPOSE, {"compose": None}, "box has Docker, but not its compose plugin (v2)"),
        (Runtime.COMPOSE, {"docker_problem": "x"}, "Docker on box does not answer"),
        (Runtime.SYSTEMD, {"systemd": None}, "box does not run systemd"),
    ],
)
def test_a_missing_runtime_is_an_error(
    runtime: Runtime, lack: dict[str, str | None], summary: str
) -> None:
    wanted = host_bundle(workload("chat-0", runtime=runtime))
    seen = replace(bare(), **lack)  # type: ignore[arg-type]
    assert found(wanted, seen) == [("error", summary)]
    assert all(d.advice for d in preflight(wanted, seen, HostNeeds()))


def test_only_the_runtime_in_use_is_asked_for() -> None:
    wanted = host_bundle(workload("chat-0", runtime=Runtime.SYSTEMD))
    assert found(wanted, replace(bare(), docker=None, compose=None)) == []


@pytest.mark.parametrize("wanted", [host_bundle(workload("chat-0")), host_bundle()])
def test_a_link_that_planner_did_not_make_is_an_error_whatever_is_wanted(
    wanted: HostBundle,
) -> None:
    links = ("/var/lib/planner/demo/a b", "/var/lib/planner/demo/releases")
    first, second = preflight(wanted, replace(bare(), foreign_links=links), HostNeeds())
    assert first.severity is second.severity is Severity.ERROR
    assert (first.where, first.summary) == (
        "hosts.box",
        "nothing is changed on box through a link",
    )
    assert f"{links[0]} is a symbolic link that planner did not make" in str(first.detail)
    assert "ls -l '/var/lib/planner/demo/a b'" in str(first.advice)
    assert links[1] in str(second.detail)


@pytest.mark.parametrize(
    ("name", "mib", "said"),
    [
        ("NVIDIA GeForce RTX 4090", 24564, []),
        ("NVIDIA RTX 4090", 24564, []),
        (
            "NVIDIA GeForce RTX 3090",
            24576,
            [("warning", "box seems to have another GPU than rtx-4090")],
        ),
        (
            "NVIDIA GeForce RTX 4090",
            12000,
            [("error", "NVIDIA GeForce RTX 4090 on box has 11.7 GiB, not 24.0 GiB")],
        ),
    ],
)
def test_gpus_are_compared_by_name_and_memory(
    name: str, mib: int, said: list[tuple[str, str]]
) -> None:
    gpu = replace(RTX, driver_names=("GeForce RTX 4090", "RTX 4090"))
    seen = replace(bare(), devices=(card(name, mib),))
    assert found(host_bundle(workload("chat-0")), seen, gpu) == said


def test_too_few_gpus_are_an_error() -> None:
    seen = replace(bare(), devices=(card("NVIDIA GeForce RTX 4090"),))
    wanted = host_bundle(workload("chat-0"))
    assert found(wanted, seen, RTX, RTX) == [("error", "box has 1 of the 2 GPUs in the blueprint")]
    assert found(wanted, bare(), RTX) == [("error", "box has 0 of the 1 GPUs in the blueprint")]


def test_a_disk_too_small_for_what_is_still_to_come_is_an_error() -> None:
    model = replace(weights(), bytes=100 * GIB)
    root = Artifact(ArtifactKind.ROOT, "r" * 64, "/m/root.tar", 10 * GIB)
    wanted = host_bundle(workload("chat-0"), artifacts=(model, root))
    small = replace(bare(), disk_free_bytes=110 * GIB)
    assert found(wanted, small) == [
        ("error", "box has 110.0 GiB of disk left, and 120.0 GiB are to be stored")
    ]
    assert found(wanted, replace(small, disk_free_bytes=121 * GIB)) == []
    assert found(wanted, replace(as_rendered(wanted), disk_free_bytes=0)) == []


def test_a_host_that_fetches_for_itself_needs_curl() -> None:
    hub = Artifact(ArtifactKind.HUB_FILES, "o/n@c", "o/n", revision="c", files=("x",))
    wanted = host_bundle(workload("chat-0"), artifacts=(hub,))
    seen = replace(bare(), tools=frozenset())
    assert found(wanted, seen) == [("error", "box has no curl to fetch model files with")]


def test_a_lock_is_foretold() -> None:
    seen = replace(bare(), lock="she@desktop")
    assert found(host_bundle(workload("chat-0")), seen) == [
        ("warning", "another run is at work on box")
    ]


@pytest.mark.parametrize("kind", list(ArtifactKind))
def test_every_kind_of_artifact_needs_its_room(kind: ArtifactKind) -> None:
    item = Artifact(kind, f"name@sha256:{'a' * 64}", "name", 2 << 40, folder="f")
    wanted = host_bundle(workload("chat-0"), artifacts=(item,))
    found = preflight(wanted, bare(), HostNeeds())
    assert ["disk" in item.summary for item in found] == [True]
