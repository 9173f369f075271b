"""Asks an engine over HTTP, through the connection to its host, with the key it asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from planner.apply import steps
from planner.apply.start_log import Asked, log_command, parse_logs
from planner.apply.steps import Layout
from planner.engines.api.values import Answers, Api, Call
from planner.remote.transport import HttpAnswer, HttpRequest, Transport
from planner.render.bundle import Workload
from planner.secret import SecretValue

_ASK_SECONDS = 10.0
_LOG_SECONDS = 30.0
_CHANGE_SECONDS = 600.0  # an adapter of a large model is read from disk and checked first


@dataclass(frozen=True, slots=True)
class Line:
    """The line to one workload's engine."""

    transport: Transport
    layout: Layout
    workload: Workload
    key: SecretValue | None = None

    def get(self, path: str) -> HttpAnswer | None:
        """What it answers; None when it does not."""
        return self.transport.http(self._request(path), seconds=_ASK_SECONDS)

    def post(self, call: Call) -> HttpAnswer | None:
        """Tell it to change something."""
        request = self._request(call.path, json.dumps(call.body))
        return self.transport.http(request, seconds=_CHANGE_SECONDS)

    def bodies(self, paths: Iterable[str]) -> dict[str, Any]:
        """What it answers at each path: JSON where it is some, else text."""
        found: dict[str, Any] = {}
        for path in paths:
            answer = self.get(path)
            if answer is not None and answer.ok:
                found[path] = _body(answer.body.decode(errors="replace"))
        return found

    def answers(self, api: Api) -> Answers:
        """Everything that its engine is asked, its log's lines too."""
        return Answers(self.bodies(api.paths), self._log(api.lines))

    def _log(self, lines: str) -> str:
        if not lines:
            return ""
        work = self.workload
        asked = Asked(work.name, work.runtime, work.engine)
        command = log_command(self.layout, [(asked, lines)])
        said = self.transport.run(command.argv, stdin=command.stdin, seconds=_LOG_SECONDS)
        return parse_logs(said.stdout).get(work.name, "") if said.ok else ""

    def _request(self, path: str, body: str | None = None) -> HttpRequest:
        probe = self.workload.probe
        address = probe.address if probe else "127.0.0.1"
        port = probe.port if probe else self.workload.port or 0
        return HttpRequest(port, path, address, body, self.key)


def line_to(transport: Transport, layout: Layout, workload: Workload) -> Line:
    """A line to a workload's engine. Where clients need a key, the host has it, whoever made it."""
    return Line(transport, layout, workload, _key(transport, layout, workload.key))


def _key(transport: Transport, layout: Layout, place: str) -> SecretValue | None:
    if not place:
        return None
    command = steps.read_secret(layout, place)
    result = transport.run(command.argv, stdin=command.stdin)
    return SecretValue(result.stdout.encode()) if result.ok else None


def _body(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
