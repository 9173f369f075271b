"""One connection a host for a whole run, and work on all hosts at once, one thread each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import TypeVar

from planner.background import in_background
from planner.errors import PlannerError
from planner.remote.address import HostAddress
from planner.remote.connect import connect
from planner.remote.transport import Transport

T = TypeVar("T")
Connect = Callable[[HostAddress], Transport]


class Connections:
    """Opens each host's connection when it is first needed and keeps it until close().

    A host is only ever used by one thread at a time.
    """

    def __init__(self, addresses: Mapping[str, HostAddress], connect: Connect = connect) -> None:
        self.addresses = dict(addresses)
        self._connect = connect
        self._open: dict[str, Transport] = {}

    def get(self, host: str) -> Transport:
        """The host's connection. Raises what connecting raises."""
        transport = self._open.get(host)
        if transport is None:
            transport = self._open[host] = self._connect(self.addresses[host])
        return transport

    def drop(self, host: str) -> None:
        """Give a broken connection up; the next get() makes a new one."""
        transport = self._open.pop(host, None)
        if transport is not None:
            transport.close()

    def each(
        self,
        hosts: Iterable[str],
        work: Callable[[str, Transport], T],
        over: Callable[[str], None] = lambda _: None,
    ) -> dict[str, T | PlannerError]:
        """``work`` on every host at the same time; a host that fails gives its error instead.

        ``over`` is told of each host that has ended, also of one that was never reached.
        """
        names = list(hosts)

        def one(host: str) -> T | PlannerError:
            try:
                return work(host, self.get(host))
            except PlannerError as problem:
                if problem.where in (None, self.addresses[host].host):
                    problem.where = host  # people know it by its name in the blueprint
                return problem
            finally:
                over(host)

        later = [in_background(partial(one, name)) for name in names]
        return dict(zip(names, (result() for result in later), strict=True))

    def close(self) -> None:
        """End every connection, also while threads are at work over them."""
        for transport in list(self._open.values()):
            transport.close()
        self._open.clear()

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
