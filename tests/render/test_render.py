"""Rendering is pure, and a digest changes exactly when a restart is due."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planner.blueprint.schema import Exposure
from planner.farm import LocalFile, Placed, Placement
from planner.render.bundle import Bundle, HostBundle, Runtime
from planner.render.places import BASE
from planner.render.render import RENDERERS, render
from planner.sources.templates import load_templates
from tests.render.farms import read_placement
from tests.render.golden_files import GOLDEN, cases

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = load_templates()


def placement(case: str) -> Placement:
    return read_placement(GOLDEN / case)


def bundle(given: Placement) -> Bundle:
    return render(given, TEMPLATES)[0]


def host(found: Bundle, name: str) -> HostBundle:
    return next(item for item in found.hosts if item.host == name)


def digests(found: Bundle) -> dict[str, str]:
    return {work.name: work.digest for item in found.hosts for work in item.workloads}


def changed(given: Placement, model: str, change: Callable[[Placed], Placed]) -> Placement:
    replicas = tuple(change(r) if r.model.name == model else r for r in given.replicas)
    return given._replace(replicas=replicas)


def with_model(**fields: Any) -> Callable[[Placed], Placed]:
    return lambda placed: replace(placed, model=placed.model._replace(**fields))


def with_spec(**fields: Any) -> Callable[[Placed], Placed]:
    def change(placed: Placed) -> Placed:
        spec = placed.model.spec.model_copy(update=fields)
        return replace(placed, model=placed.model._replace(spec=spec))

    return change


OTHER = {Exposure.LAN: Exposure.LOOPBACK, Exposure.LOOPBACK: Exposure.LAN}
CHANGES = {
    "context": with_model(context=1024),
    "port": lambda placed: replace(placed, port=placed.port + 1),
    "weights": with_model(weights=LocalFile("tiny.gguf", 5, "f" * 64)),
    "archive": with_model(archive=LocalFile("llama.tar", 5, "e" * 64)),
    "arguments": with_spec(extra_args=("--verbose",)),
    "exposure": lambda placed: with_spec(expose=OTHER[placed.model.spec.expose])(placed),
    "program": with_spec(binary="/opt/llama-server"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("model", ["chat", "helper"])
def test_a_change_restarts_that_replica_only(
    model: str, change: Callable[[Placed], Placed]
) -> None:
    given = placement("quickstart")
    before, after = digests(bundle(given)), digests(bundle(changed(given, model, change)))
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {f"{model}-0"}


def test_a_better_estimate_restarts_nothing() -> None:
    given = placement("quickstart")
    more = changed(given, "chat", with_model(weights=LocalFile("tiny.gguf", 9, "2" * 64)))
    assert digests(bundle(more)) == digests(bundle(given))


def test_another_model_on_the_host_changes_the_release_and_no_digest() -> None:
    given = placement("cards")
    fewer = given._replace(replicas=tuple(r for r in given.replicas if r.model.name != "small"))
    before, after = bundle(given), bundle(fewer)
    assert host(before, "box").digest != host(after, "box").digest
    assert digests(after).items() <= digests(before).items()


def test_where_a_file_lies_here_changes_nothing() -> None:
    given = placement("quickstart")
    moved = changed(given, "chat", with_model(weights=LocalFile("/else/tiny.gguf", 5, "2" * 64)))
    assert [file.content for file in host(bundle(moved), "left").files[:1]] == [
        file.content for file in host(bundle(given), "left").files[:1]
    ]


@pytest.mark.parametrize("case", cases())
def test_nothing_of_this_machine_is_rendered(case: str) -> None:
    for item in bundle(placement(case)).hosts:
        for file in item.files:
            assert str(ROOT) not in file.content
            own = file.content.replace(BASE, "").replace(": /root/ComfyUI/", "")  # of an image
            assert str(Path.home()) + "/" not in own


def test_a_host_without_replicas_has_an_empty_bundle() -> None:
    spare = host(bundle(placement("quickstart")), "spare")
    assert (spare.files, spare.workloads, spare.artifacts) == ((), (), ())


def test_a_rented_host_has_no_bundle() -> None:
    assert [item.host for item in bundle(placement("edges")).hosts] == ["box"]


def test_shared_files_are_one_artifact() -> None:
    given = placement("quickstart")
    left = given.farm.host("left")
    here = changed(given, "helper", lambda placed: replace(placed, host=left))
    assert len(host(bundle(here), "left").artifacts) == 2


def test_every_runtime_has_a_renderer() -> None:
    assert set(RENDERERS) == set(Runtime)


def test_rendering_opens_no_file() -> None:
    given = placement("cards")
    render(given, TEMPLATES)  # imports, which do read files, happen once
    opened: list[object] = []
    listening = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if listening and event in ("open", "socket.connect", "subprocess.Popen", "os.putenv"):
            opened.append(arguments)

    sys.addaudithook(hook)
    try:
        open(os.devnull).close()  # proves that the hook sees it
        assert opened
        opened.clear()
        render(given, TEMPLATES)
        assert not opened
    finally:
        listening = False


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_run() -> None:
    program = (
        "import hashlib; from tests.render.golden_files import cases, render_case\n"
        "text = repr([sorted(render_case(name).items()) for name in cases()])\n"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone, "PATH": os.defpath},
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=120,
        ).stdout
        for seed, locale, zone in (("0", "C", "UTC"), ("1", "C.UTF-8", "Asia/Tokyo"))
    }
    assert len(seen) == 1
