"""Fault: an upgrade, good or bad, of a replicated model while 50 requests a second come.

No request is dropped by the good one; the bad one keeps the old version answering all of them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.balancer import Clients
from tests.faults.eight import FULL, PROJECT, Answer, Eight

pytestmark = [pytest.mark.farm, pytest.mark.timeout(0 if FULL else 900)]

REQUESTS = 10_000 if FULL else 600
PORT = 29001


def write(eight: Eight, **changes: Any) -> None:
    """One model with a replica on each of two hosts, which the private network reaches."""
    document = eight.document()
    model = {
        "source": str(eight.model),
        "engine": "llama.cpp",
        "image": {"archive": str(eight.archive)},
        "context": "1k",
        "parallel": 1,
        "replicas": 2,
        "on": list(eight.places),
        "expose": "lan",
        "port": PORT,
        **changes,
    }
    eight.path.write_text(json.dumps({**document, "models": {"m": model}}))


def apply_under_load(eight: Eight) -> tuple[Answer, Clients]:
    clients = Clients([f"http://{host.address}:{PORT}" for host in eight.hosts.values()])
    clients.begin()
    try:
        answer = eight.apply()
        while clients.sent < REQUESTS:
            clients._over.wait(0.1)
    finally:
        clients.end()
    return answer, clients


def main_pid(eight: Eight) -> str:
    """The process of the second replica."""
    unit = f"planner-{PROJECT}-m-1"
    return eight.hosts["farm3"].run("systemctl", "show", "--value", "-p", "MainPID", unit).stdout


def test_an_upgrade_that_is_good_drops_nothing(eight: Eight) -> None:
    eight.places = {"farm1": (), "farm3": ()}
    write(eight)
    assert eight.apply().code == 0
    before = {name: eight.release(name) for name in eight.places}
    write(eight, context="2k")
    answer, clients = apply_under_load(eight)
    assert answer.code == 0, answer.err
    assert clients.dropped == []
    assert clients.sent >= REQUESTS
    assert len(clients.answered) == 2
    assert all(eight.release(name) != before[name] for name in eight.places)


def test_an_upgrade_that_is_bad_leaves_the_old_version_answering(eight: Eight) -> None:
    eight.places = {"farm1": (), "farm3": ()}
    write(eight)
    assert eight.apply().code == 0
    before = {name: eight.release(name) for name in eight.places}
    second = main_pid(eight)
    write(eight, extra_args=["--no-such-option"])
    answer, clients = apply_under_load(eight)
    assert answer.code == 8, answer.err
    assert clients.dropped == []
    assert {name: eight.release(name) for name in eight.places} == before
    assert eight.left("farm1") == eight.left("farm3") == []
    assert main_pid(eight) == second  # it was not tried
