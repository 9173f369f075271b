"""The real scripts, run by sh in a folder of their own: what they leave, and what they refuse."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from planner.apply import steps
from planner.apply.inspect import parse_inspected
from planner.apply.observed import parse_observed
from planner.apply.steps import Layout
from planner.apply.transfer import pack
from planner.diff.values import Observed
from planner.errors import PlannerError
from planner.remote.script import Command, Script
from planner.render.bundle import Artifact, ArtifactKind, File, HostBundle, Runtime, Workload
from planner.render.manifest import render_manifest
from planner.secret import SecretValue

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="hosts are Linux")


class Holder(NamedTuple):
    """A process that holds a lock, and the first line it said."""

    process: subprocess.Popen[str]
    said: str


@dataclass
class Sandbox:
    """A host's file system in a folder; ``tools`` stand in for what a host has."""

    root: Path

    @property
    def layout(self) -> Layout:
        root = self.root
        return Layout("demo", str(root / "planner"), str(root / "units"), str(root / "locks"))

    @property
    def home(self) -> Path:
        return Path(self.layout.home)

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.root}/tools:{os.environ['PATH']}"}

    def tool(self, name: str, text: str) -> None:
        path = self.root / "tools" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(self, command: Command) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command.argv,
            input=command.stdin.decode(),
            capture_output=True,
            text=True,
            env=self.environ,
        )

    def do(self, command: Command) -> str:
        done = self.run(command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def holding(self, token: str, holder: str = "me", silence: int = 30) -> Iterator[Holder]:
        """The lock, held by a process of its own until the block ends."""
        command = steps.lock(self.layout, token, holder, silence)
        pipe = subprocess.PIPE
        with subprocess.Popen(command.argv, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdout is not None
            yield Holder(process, process.stdout.readline().strip())
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.close()
            process.wait(timeout=10)

    def arrives(self, part: str, content: bytes) -> None:
        self.do(steps.begin_transfer(self.layout, part))
        Path(self.layout.incoming(part)).write_bytes(content)

    def write(self, *files: File) -> str:
        bundle = HostBundle("box", "demo", Runtime.SYSTEMD, files, ())
        self.arrives("release.part", pack(bundle))
        self.do(steps.write_release(self.layout, "release.part", bundle.digest))
        return bundle.digest

    def observe(self) -> Observed:
        return parse_observed("box", "demo", self.do(steps.observe(self.layout)))


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "units").mkdir()
    sandbox.tool("systemctl", "exit 0")
    sandbox.tool("docker", "exit 1")
    sandbox.tool("nvidia-smi", "echo '0, GPU-1, NVIDIA GeForce RTX 4090, 24564, 12'")
    return sandbox


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def archive(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def test_a_bare_host_is_seen_as_bare(box: Sandbox) -> None:
    seen = box.observe()
    assert (seen.release, seen.releases, seen.files, seen.folder) == (None, (), {}, False)
    assert not seen.artifacts
    assert seen.ram_bytes
    assert seen.disk_free_bytes
    assert [(d.name, d.total_bytes >> 20) for d in seen.devices] == [
        ("NVIDIA GeForce RTX 4090", 24564)
    ]
    assert not (box.root / "planner").exists()


def test_a_release_is_written_whole_and_switched_to_in_one_step(box: Sandbox) -> None:
    one = File("compose.yaml", "services: {}\n"), File("prompts/a b.md", "hello", 0o600)
    first = box.write(*one)
    box.do(steps.activate(box.layout, first))
    seen = box.observe()
    assert seen.release == first
    assert seen.files == {file.path: file.sha256 for file in one}
    assert (box.home / "current/prompts/a b.md").stat().st_mode & 0o777 == 0o600
    second = box.write(File("compose.yaml", "services: {a: 1}\n"))
    assert box.observe().release == first
    box.do(steps.activate(box.layout, second))
    assert box.observe().release == second
    assert set(box.observe().releases) == {first, second}
    assert box.observe().artifacts == frozenset()


def test_a_release_that_was_tampered_with_is_repaired_in_its_place(box: Sandbox) -> None:
    files = File("compose.yaml", "good\n"), File("units/u.service", "unit\n")
    digest = box.write(*files)
    box.do(steps.activate(box.layout, digest))
    (box.home / "current/compose.yaml").write_text("bad\n")
    (box.home / "current/units/u.service").unlink()
    (box.home / "current/stranger").write_text("x")
    assert box.observe().files != {file.path: file.sha256 for file in files}
    assert box.write(*files) == digest
    assert box.observe().files == {file.path: file.sha256 for file in files}
    assert sorted(p.name for p in (box.home / "releases").iterdir()) == [digest]


def test_a_release_that_is_not_there_cannot_become_current(box: Sandbox) -> None:
    box.write(File("a", "b"))
    done = box.run(steps.activate(box.layout, "0123"))
    assert done.returncode == 66
    assert box.observe().release is None


def test_unit_links_follow_the_release(box: Sandbox) -> None:
    name = "planner-demo-chat-0.service"
    units = box.root / "units"
    # another project whose name begins with ours
    (box.root / "planner/demo-two/current/units").mkdir(parents=True)
    strange = units / "planner-demo-two-x-0.service"
    strange.symlink_to(box.root / "planner/demo-two/current/units" / strange.name)
    first = box.write(File(f"units/{name}", "unit\n"))
    box.do(steps.activate(box.layout, first))
    assert (units / name).read_text() == "unit\n"
    assert (units / "multi-user.target.wants" / name).read_text() == "unit\n"
    assert box.observe().units == {name: True}
    second = box.write(File("units/planner-demo-code-0.service", "unit\n"))
    box.do(steps.activate(box.layout, second))
    assert sorted(p.name for p in units.glob("planner-*")) == [
        "planner-demo-code-0.service",
        strange.name,
    ]
    assert [p.name for p in (units / "multi-user.target.wants").iterdir()] == [
        "planner-demo-code-0.service"
    ]


@pytest.mark.parametrize("trouble", ["no link", "not at boot"])
def test_a_link_astray_is_seen(box: Sandbox, trouble: str) -> None:
    name = "planner-demo-chat-0.service"
    box.do(steps.activate(box.layout, box.write(File(f"units/{name}", "unit\n"))))
    units = box.root / "units"
    (
        units / "multi-user.target.wants" / name if trouble == "not at boot" else units / name
    ).unlink()
    assert not box.observe().units.get(name)


def test_a_file_is_placed_when_its_digest_is_right(box: Sandbox) -> None:
    content = b"weights"
    model = Artifact(ArtifactKind.WEIGHTS, sha256(content), "/m/a model.gguf")
    part = f"{model.key}.part"
    box.arrives(part, content[:3])
    assert box.do(steps.begin_transfer(box.layout, part)) == "3\n"
    assert box.observe().artifacts == {f"incoming/{part}"}
    box.arrives(part, content)
    box.do(steps.finish_transfer(box.layout, model))
    placed = box.home / f"artifacts/weights/{model.key}/a model.gguf"
    assert placed.read_bytes() == content
    assert placed.stat().st_mode & 0o777 == 0o444
    assert box.observe().artifacts == {f"weights/{model.key}/a model.gguf"}


@pytest.mark.parametrize("kind", [ArtifactKind.WEIGHTS, ArtifactKind.ROOT, ArtifactKind.IMAGE])
def test_wrong_bytes_are_thrown_away(box: Sandbox, kind: ArtifactKind) -> None:
    artifact = Artifact(kind, sha256(b"right"), "/m/model.gguf")
    box.arrives(f"{artifact.key}.part", b"wrong")
    done = box.run(steps.finish_transfer(box.layout, artifact))
    assert done.returncode == 65
    assert sha256(b"wrong") in done.stderr
    assert box.observe().artifacts == frozenset()


def test_a_root_folder_appears_complete(box: Sandbox) -> None:
    content = archive(**{"bin/engine": b"#!/bin/sh\n", "etc/x": b""})
    root = Artifact(ArtifactKind.ROOT, sha256(content), "/m/root.tar")
    # what an interrupted unpacking left
    (box.home / f"artifacts/roots/{root.key}.part").mkdir(parents=True)
    (box.home / f"artifacts/roots/{root.key}.part/stray").write_text("x")
    box.arrives(f"{root.key}.part", content)
    box.do(steps.finish_transfer(box.layout, root))
    place = box.home / "artifacts/roots" / root.key
    assert sorted(p.name for p in place.iterdir()) == ["bin", "etc"]
    assert box.observe().artifacts == {f"roots/{root.key}"}


def test_images_are_imported_or_loaded_as_their_archive_says(box: Sandbox) -> None:
    log = box.root / "log"
    box.tool(
        "docker",
        f'echo "$@" >>{log}\n'
        'case $1 in images) echo kept:1 ;; load) echo "Loaded image: llama:2" ;; esac',
    )
    for content, calls in [
        (archive(**{"bin/engine": b"x"}), ["import --change LABEL io.planner.project=demo"]),
        (
            archive(**{"manifest.json": b"[]", "blobs": b""}),
            ["images", "load", "tag llama:2 planner.local/demo:", "rmi llama:2"],
        ),
    ]:
        log.unlink(missing_ok=True)
        image = Artifact(ArtifactKind.IMAGE, sha256(content), "/m/image.tar")
        box.arrives(f"{image.key}.part", content)
        box.do(steps.finish_transfer(box.layout, image))
        said = log.read_text().splitlines()
        assert len(said) == len(calls)
        for line, call in zip(said, calls, strict=True):
            assert line.startswith(call)
        assert f"planner.local/demo:{image.key[:16]}" in log.read_text()


def test_one_run_holds_the_lock_and_leaves_nothing_of_it(box: Sandbox) -> None:
    with box.holding("t1", "me@laptop since 10:00") as first:
        assert first.said == "held"
        assert (box.observe().lock, box.observe().lock_token) == ("me@laptop since 10:00", "t1")
        with box.holding("t2", "she") as second:
            assert second.said == "me@laptop since 10:00"
        assert second.process.returncode == 75
    assert box.observe().lock is None
    assert list((box.root / "locks").iterdir()) == []
    assert not (box.root / "planner").exists()


def test_the_lock_of_a_run_that_is_gone_is_free_at_once(box: Sandbox) -> None:
    with box.holding("t1") as first:
        first.process.kill()
        first.process.wait()
        assert box.observe().lock is None
        with box.holding("t2") as second:
            assert second.said == "held"


def test_a_run_that_gives_no_sign_of_life_loses_the_lock(box: Sandbox) -> None:
    with box.holding("t1", silence=1) as first:
        assert first.process.wait(timeout=10) == 0
        with box.holding("t2") as second:
            assert second.said == "held"


def test_every_sign_of_life_is_answered(box: Sandbox) -> None:
    with box.holding("t1", silence=2) as first:
        assert first.process.stdin is not None
        assert first.process.stdout is not None
        for _ in range(3):
            first.process.stdin.write(".")
            first.process.stdin.flush()
            assert first.process.stdout.readline() == ".\n"


def test_many_runs_race_for_the_lock_and_one_wins(box: Sandbox) -> None:
    with ExitStack() as stack:
        pipe = subprocess.PIPE
        racers = [
            stack.enter_context(subprocess.Popen(
                steps.lock(box.layout, f"t{n}", f"run {n}", 30).argv, stdin=pipe, stdout=pipe,
                text=True,
            ))
            for n in range(20)
        ]  # fmt: skip
        said = [racer.stdout.readline().strip() for racer in racers if racer.stdout]
        winner = said.index("held")
        assert said == [f"run {winner}" if n != winner else "held" for n in range(20)]
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.close()
        codes = [racer.wait() for racer in racers]
    assert sorted(codes) == [0] + [75] * 19
    assert list((box.root / "locks").iterdir()) == []


def transfer(layout: Layout) -> Command:
    return steps.begin_transfer(layout, "x.part")


def secret(layout: Layout) -> Command:
    return steps.put_secret(layout, "secrets/key", os.getuid(), (), SecretValue(b"\0line\n" * 999))


def token(layout: Layout) -> Command:
    files = Artifact(ArtifactKind.HUB_FILES, "o/n@c", "o/n", revision="c", files=("m.gguf",))
    return steps.fetch(layout, files, "https://hub", SecretValue(b"hf-1"))


@pytest.mark.parametrize("waits", [transfer, secret, token])
def test_what_does_not_arrive_whole_keeps_nobody_waiting(
    box: Sandbox, waits: Callable[[Layout], Command]
) -> None:
    box.tool("curl", f"touch {box.root}/asked")
    command = steps.guarded(box.layout, "t1", waits(box.layout), 60)
    half, rest = command.stdin[:3], command.stdin[3:]
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        first = stack.enter_context(box.holding("t1"))
        late = stack.enter_context(
            subprocess.Popen(command.argv, stdin=pipe, stderr=pipe, env=box.environ)
        )
        assert late.stdin is not None
        late.stdin.write(half)
        late.stdin.flush()
        while not begun(late.pid):
            assert late.poll() is None
        first.process.kill()
        first.process.wait()
        with box.holding("t2") as second:
            assert second.said == "held"
            _, said = late.communicate(rest)
    assert (late.returncode, said) == (75, b"the lock is another run's by now\n")
    assert sorted(p.name for p in box.root.iterdir()) == ["locks", "tools", "units"]
    assert list((box.root / "locks").iterdir()) == []


def test_a_command_that_comes_after_its_run_leaves_nothing(box: Sandbox) -> None:
    """Its run was the last one: nobody comes who would clear up after it."""
    command = steps.guarded(box.layout, "t1", transfer(box.layout), 60)
    with ExitStack() as stack:
        with box.holding("t1"):
            late = stack.enter_context(
                subprocess.Popen(command.argv, stdin=subprocess.PIPE, env=box.environ)
            )
            while not begun(late.pid):
                assert late.poll() is None
        late.communicate(command.stdin)
    assert late.returncode == 75
    assert list(Path(box.layout.locks).iterdir()) == []


def test_what_a_command_reads_reaches_it_as_it_was_sent(box: Sandbox) -> None:
    text = bytes(range(256)) * 300 + b"\n\n"
    with box.holding("t1"):
        command = steps.guarded(box.layout, "t1", Command(("sha256sum",)), 10)
        done = subprocess.run(command.argv, input=text, capture_output=True)
    assert done.stdout.decode().split()[0] == sha256(text)


def begun(pid: int) -> bool:
    """Whether the guard has come to where it reads: by timeout(1), in its place or as a child."""
    proc = Path("/proc")
    try:
        pids = [str(pid), *(proc / str(pid) / f"task/{pid}/children").read_text().split()]
        return any((proc / name / "comm").read_text() == "timeout\n" for name in pids)
    except OSError:  # a child has ended meanwhile
        return False


def guarded(box: Sandbox, token: str, *argv: str, seconds: float = 10) -> Command:
    return steps.guarded(box.layout, token, Command(argv), seconds)


def test_only_the_run_with_the_lock_changes_anything(box: Sandbox) -> None:
    assert box.run(guarded(box, "t1", "echo", "x")).returncode == 75
    with box.holding("t1"):
        assert box.do(guarded(box, "t1", "echo", "x y")) == "x y\n"
        assert box.run(guarded(box, "t2", "echo", "x")).returncode == 75
        assert box.run(guarded(box, "t1", "sleep", "10", seconds=0.1)).returncode == 124
        script = box.layout.script(Script.OBSERVE, box.layout.locks, "brief")
        through = steps.guarded(box.layout, "t1", script, 10)
        assert "@lock me" in box.do(through)


def test_a_command_of_a_run_that_is_gone_is_waited_for(box: Sandbox) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(box.holding("t1"))
        slow = guarded(box, "t1", "sh", "-c", "echo begun; exec sleep 30")
        pipe = subprocess.PIPE
        left = stack.enter_context(subprocess.Popen(slow.argv, stdout=pipe, text=True))
        assert left.stdout is not None
        assert left.stdout.readline() == "begun\n"
        first.process.kill()
        first.process.wait()
        with box.holding("t2") as second:
            assert second.said == "a command of an earlier run is still at work there"
        left.terminate()
        left.wait()
        with box.holding("t3") as third:
            assert third.said == "held"


def test_a_look_waits_for_a_command_of_a_run_that_is_gone(box: Sandbox) -> None:
    place = box.home / "artifacts/roots/late"
    with ExitStack() as stack:
        first = stack.enter_context(box.holding("t1"))
        work = Path(box.layout.locks) / "demo.work"
        waits = f"grep -q -- '->.*:{work.stat().st_ino} ' /proc/locks"
        late = f"echo begun; until {waits}; do sleep 0.01; done; exec mkdir -p {place}"
        slow = guarded(box, "t1", "sh", "-c", late)
        left = stack.enter_context(subprocess.Popen(slow.argv, stdout=subprocess.PIPE, text=True))
        stack.callback(left.terminate)
        assert left.stdout is not None
        assert left.stdout.readline() == "begun\n"
        first.process.kill()
        first.process.wait()
        assert box.observe().artifacts == {"roots/late"}
        assert list(Path(box.layout.locks).iterdir()) == []


def test_the_sizes_of_pushed_files_are_told(box: Sandbox) -> None:
    model = Artifact(ArtifactKind.WEIGHTS, sha256(b"eight by"), "/m/a model.gguf")
    box.arrives(f"{model.key}.part", b"eight by")
    box.do(steps.finish_transfer(box.layout, model))
    seen = box.observe()
    assert seen.sizes == {f"weights/{model.key}/a model.gguf": 8}
    assert seen.artifacts == seen.sizes.keys()


def test_places_are_removed_and_empty_folders_with_them(box: Sandbox) -> None:
    model = Artifact(ArtifactKind.WEIGHTS, sha256(b"w"), "/m/m.gguf")
    box.arrives(f"{model.key}.part", b"w")
    box.do(steps.finish_transfer(box.layout, model))
    box.arrives("other.part", b"x")
    for place in sorted(box.observe().artifacts):
        box.do(steps.remove(box.layout, place))
    assert list(box.home.iterdir()) == []


@pytest.mark.parametrize("place", ["current", "lock", "/etc/passwd", "../x", "roots/../../x"])
def test_only_known_places_are_removed(box: Sandbox, place: str) -> None:
    assert box.run(steps.remove(box.layout, place)).returncode == 64


@pytest.mark.parametrize(
    ("script", "place"),
    [
        (Script.PLACE_FILE, "roots/abc/etc/x"),
        (Script.PLACE_FILE, "weights/abc/../../x"),
        (Script.PLACE_FILE, "weights/abc/deep/x"),
        (Script.UNPACK_ROOT, "roots/../x"),
        (Script.UNPACK_ROOT, "roots/abc/etc"),
        (Script.UNPACK_ROOT, "weights/abc"),
        (Script.FETCH_HUB, "hub/../x"),
        (Script.FETCH_HUB, "roots/abc"),
    ],
)
def test_what_arrives_goes_to_a_place_of_its_kind(box: Sandbox, script: Script, place: str) -> None:
    """A root folder that was unpacked may hold links: nothing else is put there."""
    box.tool("curl", "exit 1")
    box.arrives("x.part", b"x")
    link = box.home / "artifacts/roots/abc/etc"
    link.parent.mkdir(parents=True)
    (box.root / "outside").mkdir()
    link.symlink_to(box.root / "outside")
    words = ("x.part", sha256(b"x")) if script is not Script.FETCH_HUB else ("h", "o/n", "c")
    done = box.run(box.layout.script(script, *words, place))
    assert done.returncode == 64
    assert f"{place} is no place of" in done.stderr
    assert list((box.root / "outside").iterdir()) == []


def test_hub_files_are_fetched_once_and_checked(box: Sandbox) -> None:
    log = box.root / "log"
    # stands in for curl: writes the address it was asked for
    box.tool(
        "curl",
        f'echo "$@" >>{log}\nwhile [ $# -gt 1 ]; do [ "$1" = --output ] && out=$2; shift; done\n'
        'printf %s "$1" >"$out"',
    )
    address = "https://hub/org/name/resolve/c0ffee/"
    artifact = Artifact(
        ArtifactKind.HUB_FILES,
        "org/name@c0ffee",
        "org/name",
        revision="c0ffee",
        files=("config.json", "deep/model.safetensors"),
        hashes=(("deep/model.safetensors", sha256(f"{address}deep/model.safetensors".encode())),),
    )
    part = box.home / "artifacts/hub/org--name@c0ffee.part"
    part.mkdir(parents=True)
    (part / "config.json").write_text("fetched before")
    box.do(steps.fetch(box.layout, artifact, "https://hub/"))
    place = box.home / "artifacts/hub/org--name@c0ffee"
    assert (place / "config.json").read_text() == "fetched before"
    assert (place / "deep/model.safetensors").read_text() == f"{address}deep/model.safetensors"
    assert len(log.read_text().splitlines()) == 1
    assert "--continue-at -" in log.read_text()
    assert (
        "--proto =http,https" in log.read_text()
    )  # no file of the host's own, also not redirected
    assert box.observe().artifacts == {"hub/org--name@c0ffee"}


def test_hub_files_with_the_wrong_digest_are_not_used(box: Sandbox) -> None:
    box.tool(
        "curl",
        'while [ $# -gt 1 ]; do [ "$1" = --output ] && out=$2; shift; done\necho evil >"$out"',
    )
    artifact = Artifact(
        ArtifactKind.HUB_FILES,
        "org/name@c0ffee",
        "org/name",
        revision="c0ffee",
        files=("m.gguf",),
        hashes=(("m.gguf", "0" * 64),),
    )
    done = box.run(steps.fetch(box.layout, artifact, "https://hub"))
    assert done.returncode == 65
    assert "SHA-256 of m.gguf" in done.stderr
    assert "hub/org--name@c0ffee" not in box.observe().artifacts


def test_a_file_the_hub_does_not_have_is_named(box: Sandbox) -> None:
    box.tool("curl", "echo 'curl: (22) 404' >&2; exit 22")
    artifact = Artifact(
        ArtifactKind.HUB_FILES, "o/n@c", "o/n", revision="c", files=("gone.safetensors",)
    )
    done = box.run(steps.fetch(box.layout, artifact, "https://hub"))
    assert done.returncode == 22
    assert "gone.safetensors could not be fetched from https://hub/o/n at c" in done.stderr


def test_a_download_that_cannot_be_gone_on_with_begins_again(box: Sandbox) -> None:
    box.tool(
        "curl",
        'while [ $# -gt 1 ]; do [ "$1" = --output ] && out=$2; shift; done\n'
        '[ -s "$out" ] && { echo "curl: (33) no byte ranges" >&2; exit 33; }\n'
        'echo whole >"$out"',
    )
    part = box.home / "artifacts/hub/o--n@c.part"
    part.mkdir(parents=True)
    (part / "m.gguf.unfinished").write_text("half")
    artifact = Artifact(ArtifactKind.HUB_FILES, "o/n@c", "o/n", revision="c", files=("m.gguf",))
    box.do(steps.fetch(box.layout, artifact, "https://hub"))
    assert (box.home / "artifacts/hub/o--n@c/m.gguf").read_text() == "whole\n"


def test_everything_of_the_project_is_removed(box: Sandbox) -> None:
    name = "planner-demo-chat-0.service"
    box.do(steps.activate(box.layout, box.write(File(f"units/{name}", "unit\n"))))
    box.arrives("x.part", b"x")
    box.do(steps.remove_project(box.layout))
    assert not (box.root / "planner").exists()
    assert [p for p in (box.root / "units").rglob("*") if p.is_symlink()] == []


def answering(name: str) -> Workload:
    return Workload(name, f"models.{name}", Runtime.SYSTEMD, f"digest-{name}")


def test_what_is_started_is_unproven_until_it_has_answered(box: Sandbox) -> None:
    log = box.root / "log"
    for tool in ("systemctl", "docker"):
        box.tool(tool, f'echo {tool} "$@" >>"{log}"')
    box.do(steps.activate(box.layout, box.write(File("compose.yaml", "services: {}\n"))))
    box.do(steps.start(box.layout, Runtime.SYSTEMD, "chat-0"))
    box.do(steps.replace(box.layout, Runtime.COMPOSE, "code-0", patience=0))
    assert box.observe().unproven == {"chat-0", "code-0"}
    said = log.read_text()
    assert "systemctl restart planner-demo-chat-0.service\n" in said
    assert "--no-deps --no-build --pull never --quiet-pull --force-recreate code-0\n" in said
    box.do(steps.confirm(box.layout, [answering("chat-0")]))
    assert box.observe().unproven == {"code-0"}
    box.do(steps.stop(box.layout, Runtime.SYSTEMD, "code-0", patience=0))
    assert box.observe().unproven == set()


def test_what_serves_beside_is_no_part_of_what_a_host_starts_with(box: Sandbox) -> None:
    unit = "planner-demo-chat-0-surge.service"
    box.tool("systemctl", f'case "$*" in *is-active*) [ -e "{box.root}/active" ] ;; esac')
    first = box.write(File(f"surge/units/{unit}", "unit\n"))
    box.do(steps.activate(box.layout, first))
    link = box.root / "units" / unit
    assert not link.exists()
    box.do(steps.surge(box.layout, Runtime.SYSTEMD, "chat-0-surge"))
    assert link.read_text() == "unit\n"
    assert box.observe().unproven == set()  # whatever cuts it off leaves nothing of it to prove
    assert not list(box.root.glob("units/*.wants/*"))
    (box.root / "active").touch()
    box.do(steps.activate(box.layout, first))
    assert link.is_symlink()
    (box.root / "active").unlink()  # the host was started again
    box.do(steps.activate(box.layout, first))
    assert not link.is_symlink()


@pytest.mark.parametrize(
    ("looks", "waits"),
    [("no no", 1), ("no yes no no", 3), ("yes no yes no no", 4), ("yes " * 9, 5)],
)
def test_a_workload_stops_once_it_was_seen_idle_twice(box: Sandbox, looks: str, waits: int) -> None:
    """What was chosen for a request just before gets it a moment after the first look."""
    log, left = box.root / "waits", box.root / "looks"
    log.touch()
    left.write_text("\n".join(looks.split()) + "\n")
    box.tool("systemctl", "case $* in *MainPID*) echo 42 ;; esac")
    box.tool("sleep", f'echo "$@" >>"{log}"')
    listens = 'LISTEN 0 1 127.0.0.1:8000 0.0.0.0:* users:(("x",pid=42,fd=3))'
    busy = "lastsnd:9000 lastrcv:100 lastack:9000 bytes_sent:1 bytes_received:9"
    box.tool(
        "ss",
        f"""case $1 in
  -Htnlp) echo '{listens}' ;;
  *) echo '0 0 127.0.0.1:8000 127.0.0.1:5'
     if [ "$(head -n 1 "{left}")" = yes ]; then echo '  {busy}'; fi
     sed -i 1d "{left}" ;;
esac""",
    )
    box.do(steps.stop(box.layout, Runtime.SYSTEMD, "chat-0", patience=5))
    assert log.read_text() == "1\n" * waits


def test_what_gets_no_requests_any_more_is_unproven(box: Sandbox) -> None:
    box.do(steps.activate(box.layout, box.write(File("compose.yaml", "services: {}\n"))))
    (box.home / "traffic/chat-0.closed").touch()
    assert box.observe().unproven == {"chat-0"}
    box.do(steps.confirm(box.layout, [answering("chat-0")]))
    assert box.observe().unproven == set()
    for done in (steps.replace, steps.stop):
        (box.home / "traffic/chat-0.closed").touch()
        box.do(done(box.layout, Runtime.SYSTEMD, "chat-0", patience=0))
        assert not (box.home / "traffic/chat-0.closed").exists()


def test_a_switch_is_pending_until_it_is_confirmed(box: Sandbox) -> None:
    first = box.write(File("compose.yaml", "one\n"))
    box.do(steps.activate(box.layout, first))
    assert box.observe().pending is None
    box.tool("systemd-run", "exit 0")
    box.do(steps.watch(box.layout, 60, first))
    box.do(steps.activate(box.layout, box.write(File("compose.yaml", "two\n"))))
    assert box.observe().pending == first
    box.do(steps.confirm(box.layout, []))
    assert box.observe().pending is None
    left = sorted(path.name for path in box.home.iterdir())
    assert left == ["current", "incoming", "releases", "traffic"]


@pytest.mark.parametrize("project", ["", "../x", "a b", "A", "-a", "a-", "a/b", "a\n"])
def test_a_project_that_is_no_folder_name_is_refused(project: str) -> None:
    with pytest.raises(PlannerError, match="cannot name a project"):
        Layout(project)


def release(name: str, *artifacts: Artifact) -> tuple[File, ...]:
    files = (File("compose.yaml", f"name: {name}\n"),)
    return (*files, render_manifest("demo", "box", files, (), artifacts))


def test_kept_releases_say_what_they_need(box: Sandbox) -> None:
    model = Artifact(ArtifactKind.WEIGHTS, sha256(b"w"), "/m/tiny model.gguf")
    first = box.write(*release("one", model))
    assert box.observe().releases == (first,)
    second = box.write(*release("two"))
    (box.home / "releases/half.part").mkdir()
    (box.home / "releases/half.part/manifest.json").write_text("{}")
    seen = box.observe()
    assert {name: m.artifacts for name, m in seen.manifests.items()} == {
        first: (Artifact(ArtifactKind.WEIGHTS, sha256(b"w"), "tiny model.gguf"),),
        second: (),
    }
    (box.home / "releases" / first / "manifest.json").write_text("changed by hand")
    assert set(box.observe().manifests) == {second}


def test_the_release_that_served_comes_right_behind_a_new_one(box: Sandbox) -> None:
    names = [box.write(*release(str(number))) for number in range(3)]
    for age, name in enumerate(reversed(names), 1):
        os.utime(box.home / "releases" / name, (1000 - age, 1000 - age))
    assert box.observe().releases == (names[2], names[1], names[0])
    box.do(steps.activate(box.layout, names[0]))
    new = box.write(*release("new"))
    assert box.observe().releases == (new, names[0], names[2], names[1])


@pytest.mark.parametrize("text", ["a", "b", "c", "d"])
def test_a_clock_that_ticks_slowly_keeps_releases_in_order(box: Sandbox, text: str) -> None:
    first = box.write(File("compose.yaml", "first\n"))
    box.do(steps.activate(box.layout, first))
    # what is unpacked within one tick of the file system's clock is as old as what served
    box.tool("tar", f'/bin/tar "$@"; exec touch -r "{box.home}/current/" "$4"')
    second = box.write(File("compose.yaml", text))
    assert box.observe().releases == (second, first)


def test_only_the_lock_with_that_token_is_taken_away(box: Sandbox) -> None:
    with box.holding("t1") as first:
        assert box.do(steps.unlock(box.layout, "t2")) == ""
        assert box.do(steps.unlock(box.layout, "")) == ""
        assert box.observe().lock == "me"
        assert box.do(steps.unlock(box.layout, "t1")) == "taken away\n"
        assert box.run(guarded(box, "t1", "echo", "x")).returncode == 75
        assert first.process.wait(timeout=10) == 0
        assert box.do(steps.unlock(box.layout, "t1")) == ""
    assert box.observe().lock is None
    assert list((box.root / "locks").iterdir()) == []


def test_unlock_has_the_lock_in_hand_when_it_takes_it_away(box: Sandbox) -> None:
    """Who comes in the same moment would lose its own, and a third run could begin beside it."""
    lock = Path(box.layout.locks) / "demo.lock"
    with box.holding("t1") as first:
        first.process.kill()
        first.process.wait()
        box.tool("rm", f'flock --nonblock "{lock}" touch "{box.root}/free"; exec /bin/rm "$@"')
        assert box.do(steps.unlock(box.layout, "t1")) == "taken away\n"
    assert not (box.root / "free").exists()
    assert list(lock.parent.iterdir()) == []


def put(box: Sandbox, text: str, *users: str, place: str = "secrets/key") -> None:
    box.do(steps.put_secret(box.layout, place, os.getuid(), users, SecretValue(text.encode())))


def test_a_secret_is_a_file_for_one_user_alone_and_only_its_fingerprint_is_told(
    box: Sandbox,
) -> None:
    box.tool("chown", f'echo "$1" >>{box.root}/owners')
    put(box, "first\nline two", "chat-0", place="secrets/key")
    path = box.home / "secrets/key"
    assert path.read_text() == "first\nline two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert (box.root / "owners").read_text() == f"{os.getuid()}:{os.getuid()}\n"
    text = box.do(steps.observe(box.layout))
    assert "first" not in text
    seen = parse_observed("box", "demo", text)
    assert seen.secret_key is not None
    key = seen.secret_key.reveal()
    assert len(key) == 64
    wanted = SecretValue(b"first\nline two").fingerprint(key)
    assert seen.secrets == {"secrets/key": wanted if os.getuid() == 0 else ""}
    assert seen.unread_secrets == {"chat-0"}
    box.do(steps.secrets_read(box.layout, "chat-0"))
    assert not box.observe().unread_secrets
    put(box, "second")
    assert path.read_text() == "second"
    again = box.observe().secret_key
    assert again is not None
    assert again.reveal() == key
    assert box.do(steps.read_secret(box.layout, "secrets/key")) == "second"
    assert sorted(p.name for p in path.parent.iterdir()) == [".key", ".unread", "key"]


def test_a_secret_that_others_can_read_has_no_fingerprint(box: Sandbox) -> None:
    put(box, "value")
    (box.home / "secrets/key").chmod(0o644)
    assert box.observe().secrets == {"secrets/key": ""}


def test_a_secret_that_was_cut_off_changes_nothing(box: Sandbox) -> None:
    put(box, "whole")
    command = steps.put_secret(box.layout, "secrets/key", 0, (), SecretValue(b"longer than that"))
    for given in (command.stdin[:-1], command.stdin[:4], b""):
        assert box.run(Command(command.argv, given)).returncode != 0
    assert (box.home / "secrets/key").read_text() == "whole"
    put(box, "after")
    assert (box.home / "secrets/key").read_text() == "after"


@pytest.mark.parametrize(
    "place", ["current", "secrets/../x", "secrets/", "secrets/.key", "secrets/a b", "secrets/a/b"]
)
def test_a_secret_lies_in_its_folder_and_nowhere_else(box: Sandbox, place: str) -> None:
    command = steps.put_secret(box.layout, place, 0, (), SecretValue(b"x"))
    assert box.run(command).returncode != 0
    assert box.run(steps.read_secret(box.layout, place)).returncode != 0


def test_secrets_go_with_their_last_use_and_with_the_project(box: Sandbox) -> None:
    put(box, "a", place="secrets/one")
    put(box, "b", place="secrets/two")
    box.do(steps.remove(box.layout, "secrets/one"))
    assert list(box.observe().secrets) == ["secrets/two"]
    box.do(steps.remove(box.layout, "secrets/two"))
    assert not (box.home / "secrets").exists()
    put(box, "a")
    box.do(steps.remove_project(box.layout))
    assert not (box.home / "secrets").exists()


def test_other_projects_are_named_while_nothing_of_this_one_is_there(box: Sandbox) -> None:
    for name in ("old", "empty"):
        (Path(box.layout.base) / name / "releases" / "one").mkdir(parents=True)
    (Path(box.layout.base) / "old" / "current").symlink_to("releases/one")
    assert box.observe().others == ("old",)


def test_units_that_are_not_loaded_are_looked_at_closely_too(box: Sandbox) -> None:
    """A pattern would show only those that systemd has loaded."""
    box.tool("systemctl", 'for name; do case $name in *.service) echo "Id=$name" ;; esac; done')
    units = Path(box.layout.units)
    units.mkdir(exist_ok=True)
    assert parse_inspected(box.do(box.layout.script(Script.INSPECT)))[0].units == ()
    (units / "planner-demo-chat-0.service").write_text("")
    (units / "planner-other-chat-0.service").write_text("")
    inspected, _ = parse_inspected(box.do(box.layout.script(Script.INSPECT)))
    assert [unit.name for unit in inspected.units] == ["planner-demo-chat-0.service"]


def test_a_drop_in_that_systemd_has_not_read_yet_is_named_too(box: Sandbox) -> None:
    """The next apply has systemd read it."""
    box.tool("systemctl", 'for name; do case $name in *.service) echo "Id=$name" ;; esac; done')
    folder = Path(box.layout.units) / "planner-demo-chat-0.service.d"
    folder.mkdir(parents=True)
    (folder.parent / "planner-demo-chat-0.service").write_text("")
    (folder / "more.conf").write_text("")
    (unit,) = parse_inspected(box.do(box.layout.script(Script.INSPECT)))[0].units
    assert unit.drop_ins == (str(folder / "more.conf"),)
