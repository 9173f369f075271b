"""A workload that is to stop finishes what it is at first: seen by the kernel of a real host."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_farm import eventually
from tests.farm.control import Host

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.farm

BASE = "/run/drained"
DRAIN = (ROOT / "planner/remote/scripts/drain.sh").read_text()
UNIT = "planner-demo-slow-0.service"
# answers once somebody writes to a pipe, and keeps its connections
SERVER = f"""
import http.server
class Slow(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        open("{BASE}/asked", "w").close()
        open("{BASE}/answer").close()
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")
http.server.ThreadingHTTPServer(("127.0.0.1", 8099), Slow).serve_forever()
"""
# asks once, and keeps its connection as well
ASKER = f"""
import http.client, signal
connection = http.client.HTTPConnection("127.0.0.1", 8099)
connection.request("GET", "/")
open("{BASE}/said", "wb").write(connection.getresponse().read())
signal.pause()
"""


@pytest.fixture
def slow(systemd_host: Host) -> Iterator[Host]:
    """A unit of planner's that is slow to answer, and a request to it under way."""
    systemd_host.run("mkdir", "-p", f"{BASE}/demo/traffic")
    systemd_host.run("mkfifo", f"{BASE}/answer")
    systemd_host.run("systemd-run", "--quiet", f"--unit={UNIT}", "python3", "-c", SERVER)
    there = ("sh", "-c", "ss -Hltn 'sport = :8099' | grep -q .")
    eventually(lambda: systemd_host.run(*there, check=False).returncode == 0, "the server")
    systemd_host.run("systemd-run", "--quiet", "--unit=asker.service", "python3", "-c", ASKER)
    eventually(lambda: is_there(systemd_host, "asked"), "the request")
    yield systemd_host
    systemd_host.run("systemctl", "stop", UNIT, "asker.service")
    systemd_host.run("rm", "-rf", BASE)


def is_there(host: Host, name: str) -> bool:
    return host.run("test", "-e", f"{BASE}/{name}", check=False).returncode == 0


def silent_for(host: Host) -> int:
    """For how many ms the server has sent nothing to who asked."""
    said = host.run("ss", "-Htni", "state", "established", "sport = :8099").stdout
    return int(re.search(r"lastsnd:(\d+)", said)[1])  # type: ignore[index]


def drain(host: Host, seconds: int) -> str:
    """What the one who asked has been told by the time the workload may stop."""
    words = (BASE, "demo", "systemd", "slow-0", str(seconds))
    script = f'{DRAIN}\ndrain "$@"; cat {BASE}/said 2>/dev/null'
    return host.run("sh", "-c", script, "sh", *words).stdout


def test_a_request_under_way_is_waited_for_and_an_idle_connection_is_not(slow: Host) -> None:
    said: list[str] = []
    # both would wait for ten minutes for what does not end
    draining = threading.Thread(target=lambda: said.append(drain(slow, 600)))
    draining.start()
    eventually(lambda: is_there(slow, "demo/traffic/slow-0.closed"), "the sign to send nothing new")
    # by then it has been silent for longer than between two parts of an answer
    eventually(lambda: silent_for(slow) > 7000, "a long silence")
    slow.run("sh", "-c", f": >{BASE}/answer")
    draining.join()
    assert said == ["done"]
    assert drain(slow, 600) == "done"


def test_what_never_answers_is_waited_for_only_so_long(slow: Host) -> None:
    assert drain(slow, 1) == ""
