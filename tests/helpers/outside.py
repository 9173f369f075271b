"""A machine of its own beside the farm's hosts: what it can reach is open to the network."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.farm.commands import FarmError, run

# Runs inside the namespace: every port of an address, in batches, without waiting for any one.
_SCAN = """
import errno, os, select, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
def address(port):
    return socket.getaddrinfo(sys.argv[1], port, family, socket.SOCK_STREAM)[0][4]
base = address(1)
for first in range(1, 65536, 1000):
    waiting, poll = {}, select.poll()
    for port in range(first, min(first + 1000, 65536)):
        cable = socket.socket(family, socket.SOCK_STREAM)
        cable.setblocking(False)
        state = cable.connect_ex((base[0], port, *base[2:]))
        if state == 0:
            print(port)
        elif state == errno.EINPROGRESS:
            waiting[cable.fileno()] = cable, port
            poll.register(cable, select.POLLOUT)
        elif state != errno.ECONNREFUSED:
            raise OSError(state, os.strerror(state))  # it says nothing of the port
    while waiting:
        ready = poll.poll(3000)
        if not ready:
            break
        for number, _ in ready:
            cable, port = waiting.pop(number)
            poll.unregister(number)
            if cable.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                print(port)
            cable.close()
"""
_ASK = """
import sys, urllib.error, urllib.request
for line in sys.stdin.read().split():
    try:
        print(line, urllib.request.urlopen(line, timeout=10).status)
    except urllib.error.HTTPError as refused:
        print(line, refused.code)
    except OSError:
        print(line, 0)
"""


@dataclass(frozen=True)
class Outside:
    """The namespace, which has its own addresses in the hosts' network."""

    namespace: str

    def open_ports(self, address: str) -> list[int]:
        """Every TCP port that accepts a connection; IPv6 link-local addresses end in %eth0."""
        return sorted(map(int, self._python(_SCAN, address).split()))

    def statuses(self, urls: list[str]) -> dict[str, int]:
        """What GET says at each address without a key; 0 where nothing answers."""
        lines = self._python(_ASK, text="\n".join(urls)).splitlines()
        return {url: int(status) for url, status in (line.split() for line in lines)}

    def _python(self, program: str, *words: str, text: str = "") -> str:
        line = ["ip", "netns", "exec", self.namespace, sys.executable, "-c", program, *words]
        done = subprocess.run(line, input=text, capture_output=True, text=True, check=True)
        return done.stdout


@contextmanager
def outside(bridge: str, address: str) -> Iterator[Outside]:
    """A namespace plugged into the farm's bridge, at an address with its prefix length."""
    namespace, link = f"outside-{bridge}", f"o{bridge}"[-15:]
    run(["ip", "netns", "add", namespace])
    try:
        run(["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace])
        run(["ip", "link", "set", link, "master", bridge, "up"])
        run(["ip", "-n", namespace, "address", "add", address, "dev", "eth0"])
        run(["ip", "-n", namespace, "link", "set", "lo", "up"])
        run(["ip", "-n", namespace, "link", "set", "eth0", "up"])
        _wait_for_ipv6(namespace)
        yield Outside(namespace)
    finally:
        run(["ip", "netns", "delete", namespace], check=False)


def _wait_for_ipv6(namespace: str, within: float = 20) -> None:
    """A new link-local address cannot be used until the kernel has seen that nobody else has it."""
    show = ["ip", "-n", namespace, "-6", "-oneline", "address", "show", "dev", "eth0"]
    deadline = time.monotonic() + within
    while not (found := run(show).stdout) or " tentative" in found:
        if time.monotonic() > deadline:
            raise FarmError(f"{namespace} gets no address of IPv6: {found!r}")
        time.sleep(0.05)
