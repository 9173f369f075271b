"""What carrying out operations on one host needs: the connection, the layout, the clock, events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from planner.apply import steps
from planner.apply.events import Event, OnEvent
from planner.apply.steps import Layout
from planner.diff import foreign_links
from planner.errors import HostLocked, Interrupted, PlannerError
from planner.remote.script import Command
from planner.remote.transport import LineSink, Result, Transport
from planner.secret import SecretValue

LOCKED = 75  # exit status of scripts when the lock is another run's
_TOO_LONG = 124  # exit status of timeout(1)
_LINK = 73  # exit status of guard.sh when a link leads out of the project's folder
_LATER = 15.0  # the host ends a command first, so that it can still say why
_SHORTEST_SECRET = 4
HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run presents itself and where it fetches from.

    ``token`` is unique to the run and proves that a lock is its own; ``holder`` is what others
    read in that lock: who, from where, since when, doing what. ``secrets`` are the values that
    the plan brings to hosts, by name.
    """

    token: str
    holder: str
    hub: str = HUB
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    secrets: Mapping[str, SecretValue] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class HostRun:
    """A run, on one host. ``previous`` is the release to come back to when the next one fails.

    ``watched`` says that the host comes back to it by itself when the run is gone: not while the
    project is taken off.
    """

    host: str
    transport: Transport
    layout: Layout
    options: RunOptions
    on_event: OnEvent
    stopped: Callable[[], bool] = lambda: False
    previous: str | None = None
    watched: bool = False

    def go_on(self) -> None:
        """Called while a step takes long. Raises Interrupted once the user has stopped the run."""
        if self.stopped():
            raise Interrupted(
                f"stopped while {self.host} was at work",
                where=self.host,
                advice="run the same command again: it goes on where it stopped",
            )

    def emit(self, event: Event) -> None:
        """Tell what happens."""
        self.on_event(event)

    def call(
        self, command: Command, *, seconds: float = 60, on_line: LineSink | None = None
    ) -> Result:
        """Run a command, whatever its exit status."""
        result = self.transport.run(
            command.argv, stdin=command.stdin, seconds=seconds, on_line=on_line
        )
        return self._without_secrets(result) if self.options.secrets else result

    def _without_secrets(self, result: Result) -> Result:
        """An engine may log what it was given: that must not reach a message."""
        out, err = result.stdout, result.stderr
        for name, value in self.options.secrets.items():
            text = value.reveal().decode(errors="replace").strip()
            # what is this short stands in every second word
            if len(text) >= _SHORTEST_SECRET:
                out, err = (said.replace(text, f"<secret {name}>") for said in (out, err))
        return replace(result, stdout=out, stderr=err)

    def check(
        self, command: Command, *, seconds: float = 60, on_line: LineSink | None = None
    ) -> Result:
        """Run a command. Raises PlannerError, with the end of what it said, when it fails."""
        return self.succeeded(self.call(command, seconds=seconds, on_line=on_line))

    def change(
        self, command: Command, *, seconds: float = 60, on_line: LineSink | None = None
    ) -> Result:
        """Run a command that changes the host, as long as its lock is this run's; like check()."""
        return self.succeeded(self.attempt(command, seconds=seconds, on_line=on_line))

    def attempt(
        self, command: Command, *, seconds: float = 60, on_line: LineSink | None = None
    ) -> Result:
        """Run a command that changes the host, whatever its exit status.

        The host ends it after ``seconds`` also when this machine is gone. Raises HostLocked when
        the lock was lost.
        """
        guarded = steps.guarded(self.layout, self.options.token, command, seconds)
        result = self.call(guarded, seconds=seconds + _LATER, on_line=on_line)
        if result.exit == LOCKED:
            raise HostLocked(
                f"the lock on {self.host} was lost",
                where=self.host,
                cause="somebody has unlocked it, or this machine was cut off or asleep for a while",
                advice="run the same command again: it goes on where it stopped",
            )
        if result.exit == _TOO_LONG:
            raise PlannerError(
                f"a command did not end within {seconds:.0f} s",
                where=self.host,
                cause=said(result),
            )
        if result.exit == _LINK and result.stdout.startswith(f"{self.layout.home}"):
            raise self._link(result.stdout.strip())
        return result

    def _link(self, link: str) -> PlannerError:
        """Why nothing is done where a link lies that planner did not make."""
        return PlannerError(
            "nothing is changed through a link",
            where=self.host,
            cause=foreign_links.why(link),
            advice=foreign_links.advice(link),
        )

    def succeeded(self, result: Result) -> Result:
        """The result. Raises PlannerError, with the end of what the command said, for a failure."""
        if not result.ok:
            raise PlannerError("a command failed there", where=self.host, cause=said(result))
        return result


def said(result: Result, lines: int = 8) -> str:
    """The last lines of what a failed command said."""
    text = result.stderr.strip() or result.stdout.strip()
    told = [line.strip() for line in text.splitlines() if line.strip()]
    # compose tells of every container it touches, in lines like "Container x  Recreated"
    news = [line for line in told if not line.startswith(("Container ", "Network ", "Volume "))]
    end = "\n".join((news or told)[-lines:])
    return end or f"it ended with status {result.exit} and said nothing"
