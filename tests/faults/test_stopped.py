"""Fault: Ctrl-C, once and twice, while hosts are at work.

Once: the step under way ends, or is left to the host; exit code 130 within 10 seconds with what was
done. Twice: out within a second. The record is valid, and the next apply goes on.
"""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.faults.eight import HOME, PROJECT, Eight, finish
from tests.faults.test_links import inside, see, until

pytestmark = pytest.mark.farm

# farm3 has begun to receive the archive; it has started the model
MOMENTS = {
    "a transfer": f"test -n \"$(find ./{HOME}/incoming -name '*.part' -size +1M 2>/dev/null)\"",
    "a start": f"test -e ./{HOME}/unproven/g-0",
}


def recorded(pair: Eight) -> None:
    place = pair.path.parent / f".planner/{PROJECT}.json"
    assert not place.exists() or json.loads(place.read_text())["project"] == PROJECT


@pytest.mark.parametrize("moment", MOMENTS)
def test_once(pair: Eight, moment: str) -> None:
    host = pair.hosts["farm3"]
    process = pair.start("apply", str(pair.path), "--yes")
    begun = time.monotonic()
    until(lambda: inside(host, MOMENTS[moment]), 60)
    pressed = time.monotonic()
    process.send_signal(signal.SIGINT)
    answer = finish(process, begun)
    assert (answer.code, time.monotonic() - pressed < 10) == (130, True), answer.err
    said = " ".join(answer.err.split())
    assert "stopped" in said
    assert "farm3" in said
    assert "same command again" in said
    recorded(pair)
    assert pair.apply().code == 0
    pair.whole()


def test_twice(pair: Eight) -> None:
    host = pair.hosts["farm3"]
    process = pair.start("apply", str(pair.path), "--yes")
    begun = time.monotonic()
    until(lambda: inside(host, MOMENTS["a transfer"]), 60)
    # a step that does not end: the host hangs
    host.cut()
    other, lock = pair.hosts["farm1"], f"test -e /run/planner/{PROJECT}.lock"
    assert see(other, lock)
    process.send_signal(signal.SIGINT)
    # two signals at once would be one: the other host's part ends with the first
    until(lambda: not see(other, lock), 30)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    answer = finish(process, begun)
    assert (answer.code, time.monotonic() - pressed < 1) == (130, True), answer.err
    recorded(pair)
    host.mend()
    until(lambda: pair.apply().code == 0, 60)
    pair.whole()
