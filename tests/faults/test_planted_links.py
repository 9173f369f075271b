"""Fault: a link in place of a folder or file of planner's that leads elsewhere on the host, laid
before the plan is made, or after it.

Nothing is written or removed through it, what runs goes on, and the message names the link.
"""

from __future__ import annotations

import time

import pytest

from tests.faults.eight import HOME, Answer, Eight, finish

pytestmark = pytest.mark.farm

THEIRS = "/srv/theirs"
LOOK = f"find {THEIRS} -printf '%p %y %s %m %U %T@ %C@\\n' | sort | sha256sum"
UNIT = f"{HOME}/current/units/planner-eight-g-0.service"
# what lies there is laid aside, and a link to a copy of it that belongs to somebody else put there
PLANT = f"""
place=$(readlink -f "${{1%/*}}")/${{1##*/}}
mkdir -p {THEIRS}
cp -a "$place" {THEIRS}/copy
mv "$place" {THEIRS}.moved
ln -s {THEIRS}/copy "$place"
echo "$place"
"""
MEND = f'rm "$1"; mv {THEIRS}.moved "$1"; rm -rf {THEIRS}'


@pytest.mark.parametrize(
    "place",
    [HOME, f"{HOME}/releases", UNIT, f"{HOME}/artifacts", f"{HOME}/current"],
    ids=["the project's folder", "the releases", "a file", "the weights", "current"],
)
def test_nothing_is_changed_through_it(eight: Eight, place: str) -> None:
    eight.places = {"farm3": ("g",)}
    eight.write("1k")
    assert eight.apply().code == 0
    host, before = eight.hosts["farm3"], eight.living("farm3")
    eight.write("2k")
    saved = eight.path.with_name("plan.json")
    assert eight.planner("plan", "--out", str(saved)).code == 0
    link = host.run("sh", "-c", PLANT, "sh", place).stdout.strip()
    try:
        theirs = host.run("sh", "-c", LOOK).stdout
        for answer in (eight.planner("plan"), eight.apply(), eight.planner("destroy", "--yes")):
            assert answer.code == 3, answer.err
            assert names(answer, "farm3", f"{link} is a symbolic link", f"ls -l {link}"), answer.err
        # that plan was made before, and its host alone can refuse it
        begun = time.monotonic()
        answer = finish(eight.start("apply", str(saved), "--yes"), begun)
        assert answer.code in (8, 9), answer.err
        assert names(answer, "farm3", f"{link} is a symbolic link", f"ls -l {link}") or names(
            answer, "farm3 is not as it was when the plan was made", "make a new plan"
        ), answer.err
        after, lives = host.run("sh", "-c", LOOK).stdout, eight.living("farm3")
    finally:
        host.run("sh", "-c", MEND, "sh", link)
    assert (after, lives) == (theirs, before)
    assert eight.apply().code == 0
    eight.whole()


def names(answer: Answer, *words: str) -> bool:
    """Whether its message has all of these; long paths are broken over lines."""
    said = "".join(answer.err.split())
    return all(word.replace(" ", "") in said for word in words)
