"""Fault: a link in place of a folder or file of planner's that leads elsewhere on the host.

Nothing is written or removed through it, what runs goes on, and the message names the link.
"""

from __future__ import annotations

import pytest

from tests.faults.eight import HOME, Eight

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
@pytest.mark.parametrize("verb", ["apply", "destroy"])
def test_nothing_is_changed_through_it(eight: Eight, place: str, verb: str) -> None:
    eight.places = {"farm3": ("g",)}
    eight.write("1k")
    assert eight.apply().code == 0
    host, before = eight.hosts["farm3"], eight.living("farm3")
    link = host.run("sh", "-c", PLANT, "sh", place).stdout.strip()
    try:
        theirs = host.run("sh", "-c", LOOK).stdout
        eight.write("2k")
        answer = eight.planner(verb, "--yes")
        after, lives = host.run("sh", "-c", LOOK).stdout, eight.living("farm3")
    finally:
        host.run("sh", "-c", MEND, "sh", link)
    said = "".join(answer.err.split())  # long paths are broken over lines
    assert answer.code in (8, 9), answer.err
    for words in ("farm3", f"{link} is a symbolic link", f"ls -l {link}", "remove it"):
        assert words.replace(" ", "") in said, answer.err
    assert (after, lives) == (theirs, before)
    assert eight.apply().code == 0
    eight.whole()
