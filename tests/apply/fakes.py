"""Runs plans against hosts in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.apply.connections import Connections
from planner.apply.events import Event
from planner.apply.execute import execute
from planner.apply.observe import observe_all
from planner.apply.result import ApplyResult
from planner.apply.run import RunOptions
from planner.apply.steps import Layout
from planner.diff.planning import make_plan
from planner.diff.values import Plan
from planner.errors import HostUnreachable, PlannerError
from planner.remote.address import HostAddress
from planner.remote.fake import FakeHost, FakeTransport
from planner.remote.transport import Transport
from planner.render.bundle import Bundle
from tests.diff.examples import PROJECT


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class FakeFarm:
    """Hosts in memory, reached by name; those in ``dead`` refuse connections."""

    hosts: Mapping[str, FakeHost]
    dead: set[str] = field(default_factory=set)
    opened: list[FakeTransport] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    events: list[Event] = field(default_factory=list)
    token: str = "token-1"

    def connect(self, address: HostAddress) -> Transport:
        if address.host in self.dead:
            raise HostUnreachable(f"{address.host} cannot be reached", where=address.host)
        transport = FakeTransport(self.hosts[address.host])
        self.opened.append(transport)
        return transport

    def connections(self) -> Connections:
        addresses = {name: HostAddress(name) for name in self.hosts}
        return Connections(addresses, self.connect)

    def plan(self, wanted: Bundle, connections: Connections | None = None) -> Plan:
        return make_plan(wanted, observe_all(connections or self.connections(), Layout(PROJECT)))

    def execute(self, plan: Plan, connections: Connections) -> ApplyResult:
        options = RunOptions(self.token, "me@laptop", clock=self.clock, sleep=self.clock.sleep)
        return execute(plan, connections, Layout(PROJECT), options, self.events.append)

    def apply(self, wanted: Bundle) -> ApplyResult:
        """Observe, plan, execute, over one connection a host."""
        with self.connections() as connections:
            seen = observe_all(connections, Layout(PROJECT))
            failures = {h: s for h, s in seen.items() if isinstance(s, PlannerError)}
            plan = make_plan(wanted, seen)
            options = RunOptions(self.token, "me@laptop", clock=self.clock, sleep=self.clock.sleep)
            return execute(
                plan, connections, Layout(PROJECT), options, self.events.append, failures
            )
