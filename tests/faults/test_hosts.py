"""Fault: a full disk, a dockerd that was killed, a host key that changed, a damaged record.

Each ends with its exit code, and a message with host, step, cause and what to type.
"""

from __future__ import annotations

import pytest

from tests.faults.eight import HOME, PROJECT, Eight
from tests.faults.test_links import names_all

pytestmark = pytest.mark.farm

SMALL = f"mkdir -p {HOME} && mount -t tmpfs -o size=20m none {HOME}"


def test_a_disk_that_fills_up(pair: Eight) -> None:
    """The plan fits by what the host said; then somebody else fills it."""
    host = pair.hosts["farm3"]
    host.run("sh", "-c", SMALL)
    try:
        answer = pair.apply()
        assert answer.code == 3, answer.err  # found before anything was changed
        names_all(answer, "farm3 has", "of disk left")
        host.run("mount", "-o", "remount,size=900m", HOME)
        fill = f"head -c 850M /dev/zero >{HOME}/filler"
        process = pair.start("plan", str(pair.path), "--out", str(pair.path.parent / "plan.json"))
        process.communicate()
        host.run("sh", "-c", fill)
        late = pair.start("apply", str(pair.path.parent / "plan.json"), "--yes")
        _, err = late.communicate()
        assert late.returncode == 9, err
        for words in ("farm3", "No space left on device", "same command again"):
            assert words in " ".join(err.split())
        host.run("rm", f"{HOME}/filler")
        assert pair.apply().code == 0
        pair.whole()
    finally:
        pair.clear()
        host.run("umount", HOME)
        host.run("rm", "-rf", HOME)


def test_a_dockerd_that_was_killed(pair: Eight) -> None:
    assert pair.apply().code == 0
    host = pair.hosts["farm1"]
    host.run("systemctl", "stop", "docker.socket", check=False)
    host.run("systemctl", "kill", "--signal=KILL", "docker")
    host.run("systemctl", "stop", "docker", check=False)
    try:
        pair.write("2k")
        answer = pair.apply()
        assert answer.code == 3, answer.err
        names_all(answer, "Docker on farm1 does not answer", "systemctl restart docker")
    finally:
        host.run("systemctl", "start", "docker")
    assert pair.apply().code == 0
    pair.whole()


def test_a_host_key_that_changed(pair: Eight) -> None:
    assert pair.apply().code == 0
    host = pair.hosts["farm3"]
    before = pair.living("farm3")
    host.change_host_keys(tell=False)
    try:
        pair.write("2k")
        answer = pair.apply()
        assert answer.code == 11, answer.err
        names_all(answer, "farm3: the host key of", "has changed", "ssh-keygen -R")
    finally:
        host.change_host_keys()
    assert pair.living("farm3") == before
    assert pair.apply().code == 0
    pair.whole()


@pytest.mark.parametrize("damage", ["truncated", "emptied", "older", "lost"])
def test_a_damaged_record(pair: Eight, damage: str) -> None:
    place = pair.path.parent / f".planner/{PROJECT}.json"
    assert pair.apply().code == 0
    older = place.read_bytes()
    pair.write("2k")
    assert pair.apply().code == 0
    newer = place.read_bytes()
    if damage == "lost":
        place.unlink()
    else:
        place.write_bytes({"truncated": newer[:40], "emptied": b"", "older": older}[damage])
    answer = pair.apply()
    assert answer.code == 0
    assert "Nothing to do." in answer.out
    assert ("was damaged" in " ".join(answer.err.split())) == (damage in ("truncated", "emptied"))
    assert place.read_text().count(pair.release("farm3")) == 1
    pair.whole()
