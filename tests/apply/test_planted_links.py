"""Links that somebody laid into a project's folder: nothing is changed through them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from planner.apply import steps
from planner.apply.observed import parse_observed
from planner.apply.run import HostRun, RunOptions
from planner.apply.steps import Layout
from planner.errors import PlannerError
from planner.remote.local import LocalTransport
from planner.remote.script import Command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="hosts are Linux")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="commands run as root")

# what lies there, and what is laid in its place
PLANTED = [
    "",
    "releases",
    "releases/abc",
    "releases/abc/units",
    "releases/abc/units/a.service",
    "incoming",
    "incoming/x.part",
    "artifacts",
    "artifacts/weights",
    "artifacts/hub/org--name@c0ffee.part",
    "artifacts/roots/abc.part",
    "secrets",
    "secrets/.unread",
    "unproven",
    "unproven/chat-0",
    "pending.new",
    "data",
    "data/notes",
]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(
        "demo", str(tmp_path / "base"), str(tmp_path / "units"), str(tmp_path / "locks")
    )
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks/demo.lock").write_text("t\n")
    (tmp_path / "locks/demo.work").touch()
    release = Path(layout.home, "releases/abc/units")
    release.mkdir(parents=True)
    (release / "a.service").write_text("kept")
    Path(layout.home, "current").symlink_to("releases/abc")
    return layout


def outside(layout: Layout) -> Path:
    place = Path(layout.base).parent / "outside"
    if not place.exists():
        place.mkdir()
        (place / "theirs").write_text("theirs")
    return place


def plant(layout: Layout, place: str, target: Path | str) -> Path:
    """Lay a link where ``place`` is or would be."""
    link = Path(layout.home, place) if place else Path(layout.home)
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        link.rename(link.with_name("moved"))
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    return link


def guarded(layout: Layout, *argv: str) -> subprocess.CompletedProcess[str]:
    command = steps.guarded(layout, "t", Command(argv), 10)
    return subprocess.run(command.argv, capture_output=True, text=True)


def seen(layout: Layout) -> tuple[str, ...]:
    """The links that a plan is told of."""
    command = steps.observe(replace(layout, locks="/nowhere"))  # it clears up locks
    done = subprocess.run(command.argv, input=command.stdin, capture_output=True, check=True)
    return parse_observed("box", layout.project, done.stdout.decode()).foreign_links


@pytest.mark.parametrize("place", PLANTED)
def test_nothing_is_done_where_a_link_was_laid(layout: Layout, place: str) -> None:
    assert guarded(layout, "echo", "done").stdout == "done\n"
    assert seen(layout) == ()
    link = plant(layout, place, outside(layout))
    done = guarded(layout, "echo", "done")
    assert (done.returncode, done.stdout) == (73, f"{link}\n")
    assert seen(layout) == (str(link),)


@pytest.mark.parametrize("place", ["current", "current.planner-new"])
@pytest.mark.parametrize(
    "target", ["/etc", "../other", "releases/..", "releases/../../other", "releases/abc/units", ""]
)
def test_current_leads_to_a_release_or_nothing_is_done(
    layout: Layout, place: str, target: str
) -> None:
    link = plant(layout, place, target or outside(layout))
    done = guarded(layout, "echo", "done")
    assert (done.returncode, done.stdout) == (73, f"{link}\n")
    assert seen(layout) == (str(link),)


@pytest.mark.parametrize("place", ["data/notes/x", "artifacts/roots/abc/usr/lib64"])
def test_what_engines_and_archives_hold_may_be_links(layout: Layout, place: str) -> None:
    plant(layout, place, outside(layout))
    assert guarded(layout, "echo", "done").stdout == "done\n"
    assert seen(layout) == ()


def test_a_switch_that_was_cut_off_between_its_two_steps_hinders_nobody(layout: Layout) -> None:
    plant(layout, "current.planner-new", "releases/abc")
    assert guarded(layout, "echo", "done").stdout == "done\n"
    assert seen(layout) == ()


def test_every_link_is_told_of_before_anything_is_asked(layout: Layout) -> None:
    links = [plant(layout, place, outside(layout)) for place in ("incoming", "artifacts/hub")]
    assert seen(layout) == tuple(sorted(map(str, links)))


@pytest.mark.parametrize("end", "\n\r\v\f\x1c\x85\u2028")
def test_the_name_of_a_link_says_nothing_else_of_the_host(layout: Layout, end: str) -> None:
    link = plant(layout, f"x{end}@lock somebody{end}@end{end}/etc", outside(layout))
    assert seen(layout) == (str(link).replace("\n", "?"),)


def test_a_host_with_countless_links_is_seen_as_fast_as_others(layout: Layout) -> None:
    for number in range(50):
        plant(layout, f"incoming/{number}", outside(layout))
    assert len(seen(layout)) == 20


@pytest.mark.parametrize("moment", ["before the first apply", "after it"])
def test_without_links_there_is_nothing_to_refuse(tmp_path: Path, moment: str) -> None:
    layout = Layout("demo", str(tmp_path / "base"), str(tmp_path / "units"), str(tmp_path))
    (tmp_path / "demo.lock").write_text("t\n")
    (tmp_path / "demo.work").touch()
    if moment == "after it":
        Path(layout.home).mkdir(parents=True)
    done = guarded(layout, "echo", "done")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@as_root
def test_the_message_names_the_link_and_what_to_do(layout: Layout) -> None:
    link = plant(layout, "artifacts", outside(layout))
    run = HostRun("box", LocalTransport(), layout, RunOptions("t", "me"), lambda _: None)
    with pytest.raises(PlannerError) as caught:
        run.change(steps.remove(layout, "roots/theirs"))
    assert caught.value.where == "box"
    assert f"{link} is a symbolic link" in str(caught.value.cause)
    assert f"ls -l {link}" in str(caught.value.advice)
    assert (outside(layout) / "theirs").read_text() == "theirs"


@as_root
@pytest.mark.parametrize("place", ["incoming", "incoming/x.part"])
def test_no_transfer_is_written_through_a_link(layout: Layout, place: str) -> None:
    theirs = outside(layout) / "theirs"
    plant(layout, place, theirs if place.endswith(".part") else outside(layout))
    with pytest.raises(PlannerError) as caught:
        LocalTransport().put(
            io.BytesIO(b"ours"), layout.incoming("x.part"), progress=lambda _: None
        )
    assert "is a link" in str(caught.value.cause)
    assert theirs.read_text() == "theirs"
    assert [path.name for path in outside(layout).iterdir()] == ["theirs"]
