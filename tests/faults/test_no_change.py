"""Fault: none. Applies in a row without a change restart nothing and let nothing grow."""

from __future__ import annotations

import pytest

from tests.faults.eight import FULL, HOME, Eight

pytestmark = [pytest.mark.farm, pytest.mark.timeout(0 if FULL else 900)]

APPLIES = 20 if FULL else 5
GROWS = f"""
find {HOME} /etc/systemd/system /run/planner -printf '%p %s %T@ %i\\n' 2>/dev/null | sort
docker ps --all --no-trunc --format '{{{{.ID}}}}' 2>/dev/null
docker images --no-trunc --quiet 2>/dev/null | sort
for log in $(docker ps --quiet 2>/dev/null); do docker logs "$log" 2>&1 | grep -vc health; done
systemctl show --property=MainPID,NRestarts --value 'planner-eight-*' 2>/dev/null
"""


def test_nothing_grows(eight: Eight) -> None:
    assert eight.apply().code == 0

    def look() -> dict[str, str]:
        return {n: h.run("sh", "-c", GROWS, check=False).stdout for n, h in eight.hosts.items()}

    place = eight.path.parent / ".planner"
    before = look(), {path.name: path.read_bytes() for path in place.iterdir()}
    for _ in range(APPLIES):
        answer = eight.apply()
        assert (answer.code, "Nothing to do." in answer.out) == (0, True)
    assert (look(), {path.name: path.read_bytes() for path in place.iterdir()}) == before
