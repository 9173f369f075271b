"""Fault: a version that crash-loops, that never gets ready, that gets ready and dies after 5 s.

In a container and in a unit. As an upgrade, exit code 8: where memory allows two, the old one
serves on; where it allows one, the old one is brought back and answers. As the first one: nothing
serves, with exit code 9, and what failed is left for its log's reader.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.farm.control import Host
from tests.faults.eight import FULL, Answer, Eight
from tests.faults.stand_in import write_stand_in

pytestmark = pytest.mark.farm

PORT = 29000
ASK = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"

HOSTS = {"container": ("farm1", "a"), "unit": ("farm3", "g")}
FAULTS = {
    "crash-loops": ("2k", ("exit 1", "stand-in: out of memory"), 60),
    "never ready": ("3k", ("it did not answer within", "loading model"), 300),
    "ready and dies": ("4k", ("restart", "exit 3", "stand-in: dies"), 60),
}
# every fault and both runtimes at least
SAMPLE = [("container", "crash-loops"), ("container", "ready and dies"), ("unit", "never ready")]
EVERY = [(runtime, fault) for runtime in HOSTS for fault in FAULTS]


def cases(*pairs: tuple[str, str]) -> pytest.MarkDecorator:
    """A test for each pair of a runtime and a fault."""
    return pytest.mark.parametrize(
        ("stand_in", "bad", "causes", "seconds"),
        [(HOSTS[runtime], *FAULTS[fault]) for runtime, fault in pairs],
        ids=[f"{runtime} {fault}" for runtime, fault in pairs],
        indirect=["stand_in"],
    )


@pytest.fixture(scope="module")
def archive(llama_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder archive with the stand-in."""
    return write_stand_in(llama_archive, tmp_path_factory.mktemp("archives") / "stand-in.tar")


@pytest.fixture
def stand_in(
    eight: Eight, archive: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Eight:
    """One model on one host, whose engine behaves as its context says."""
    monkeypatch.setenv("PLANNER_HEALTHY", "8")
    if not FULL:
        monkeypatch.setenv("PLANNER_PATIENCE", "20")
    host, model = request.param
    eight.places, eight.archive = {host: (model,)}, archive
    return eight


def write(stand_in: Eight, context: str) -> None:
    stand_in.write(context, port=PORT)


def context(host: Host) -> int:
    """What the engine that serves says its context is."""
    said = json.loads(host.run("python3", "-c", ASK, f"http://127.0.0.1:{PORT}/props").stdout)
    return int(said["default_generation_settings"]["n_ctx"])


def told(answer: Answer, *words: str) -> None:
    """The message has the host, the step, the cause, what to type, and no other version's log."""
    said = " ".join(answer.err.split())
    for word in (*words, "next put that right, then run the same command again"):
        assert word in said, answer.err
    assert "listening on" not in said or "stand-in: dies" in said, answer.err


@cases(*[("container", fault) for fault in FAULTS if FULL or fault == "crash-loops"])
def test_the_old_version_serves_on(
    stand_in: Eight, bad: str, causes: tuple[str, ...], seconds: float
) -> None:
    write(stand_in, "1k")
    assert stand_in.apply().code == 0
    before, old = stand_in.release("farm1"), container(stand_in.hosts["farm1"])
    write(stand_in, bad)
    answer = stand_in.apply()
    assert (answer.code, answer.seconds < seconds) == (8, True), answer
    step = f"farm1: verify a-0-surge failed; the host is back on release {before[:8]}"
    told(answer, step, *causes)
    assert stand_in.release("farm1") == before
    assert container(stand_in.hosts["farm1"]) == old
    assert context(stand_in.hosts["farm1"]) == 1024
    write(stand_in, "1k")
    stand_in.whole()


def container(host: Host) -> str:
    """The one container that is there, and since when it runs."""
    shown = "docker inspect --format '{{.Id}} {{.State.StartedAt}}' $(docker ps --all --quiet)"
    return host.run("sh", "-c", shown).stdout


@cases(*(EVERY if FULL else SAMPLE))
def test_the_old_version_is_brought_back(
    stand_in: Eight, bad: str, causes: tuple[str, ...], seconds: float
) -> None:
    stand_in.ram = "1GiB"
    ((name, (model,)),) = stand_in.places.items()
    write(stand_in, "1k")
    assert stand_in.apply().code == 0
    before = stand_in.release(name)
    write(stand_in, bad)
    answer = stand_in.apply()
    assert (answer.code, answer.seconds < seconds) == (8, True), answer
    step = f"{name}: verify {model}-0 failed; the host is back on release {before[:8]}"
    told(answer, step, *causes)
    assert stand_in.release(name) == before
    assert context(stand_in.hosts[name]) == 1024
    write(stand_in, "1k")
    stand_in.whole()


@cases(*(EVERY if FULL else SAMPLE))
def test_a_first_version_is_left_for_the_reader_of_its_log(
    stand_in: Eight, bad: str, causes: tuple[str, ...], seconds: float
) -> None:
    ((name, (model,)),) = stand_in.places.items()
    write(stand_in, bad)
    answer = stand_in.apply()
    assert (answer.code, answer.seconds < seconds) == (9, True), answer
    told(answer, f"{name}: verify {model}-0 failed why", *causes)
    assert len(stand_in.living(name)) == 1
    write(stand_in, "1k")
    assert stand_in.apply().code == 0
    assert context(stand_in.hosts[name]) == 1024
    stand_in.whole()
