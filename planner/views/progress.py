"""Shows an apply while it runs: live bars on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from planner.apply.events import (
    Event,
    HostFinished,
    HostReturns,
    HostStarted,
    OnEvent,
    OperationDone,
    OperationFailed,
    OperationProgress,
    OperationSkipped,
    OperationStarted,
)
from planner.diff.values import Operation, Plan, VerifyWorkload
from planner.views.plan import show_bytes, verb_of
from planner.views.terminal import clean

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def progress(
    stream: TextIO, plan: Plan, environ: Mapping[str, str] | None = None
) -> Iterator[OnEvent]:
    """A callback that draws events on ``stream``, live when that is a terminal with colours."""
    environ = os.environ if environ is None else environ
    if stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb":
        with _live(stream, plan) as on_event:
            yield on_event
    else:
        yield PlainProgress(stream, plan)


class PlainProgress:
    """One line for what ended, and for every tenth of a transfer."""

    def __init__(self, stream: TextIO, plan: Plan) -> None:
        self._stream = stream
        self._width = max((len(host) for host in plan.hosts), default=0)
        self._tenths: dict[str, int] = {}

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        for line in self._lines(event):
            self._stream.write(line + "\n")
        self._stream.flush()

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case OperationProgress(operation=VerifyWorkload() as step, text=text) if text:
                yield self._line(step, clean(text))
            case OperationProgress(operation=step):
                part = self._part(event)
                if part:
                    yield self._line(step, f"... {part}")
            case OperationDone(operation=step, seconds=seconds):
                yield self._line(step, f"done in {seconds:.1f} s")
            case OperationFailed(operation=step):
                yield self._line(step, "FAILED")
            case OperationSkipped(operation=step, why=why):
                yield self._line(step, f"not tried: {why}")
            case HostReturns(host=host, release=release):
                yield f"{host:<{self._width}}  goes back to release {clean(release)}"
            case HostFinished(host=host, error=error) if error is not None:
                yield f"{host:<{self._width}}  failed: {clean(error.summary)}"
            case HostStarted() | OperationStarted() | HostFinished():
                pass

    def _line(self, step: Operation, said: str) -> str:
        what = f"{verb_of(step)} {clean(step.target)}"
        return f"{step.host:<{self._width}}  {what}: {said}"

    def _part(self, event: OperationProgress) -> str | None:
        """How far a transfer is, once every tenth of it."""
        if event.done_bytes is None or not event.total_bytes:
            return None
        tenth = event.done_bytes * 10 // event.total_bytes
        if tenth == self._tenths.get(event.operation.id) or tenth == 10:
            return None
        self._tenths[event.operation.id] = tenth
        return f"{show_bytes(event.done_bytes)} of {show_bytes(event.total_bytes)}"


@contextmanager
def _live(stream: TextIO, plan: Plan) -> Iterator[OnEvent]:
    """Bars: one a host, which counts operations, or the bytes of the transfer under way."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=stream, highlight=False)
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[what]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bars:
        yield _Live(bars, plan)


class _Live:
    """Keeps the bars in step with the events."""

    def __init__(self, bars: Progress, plan: Plan) -> None:
        self._bars = bars
        self._plan = plan
        self._width = max((len(host) for host in plan.hosts), default=0)
        self._tasks: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        match event:
            case HostStarted(host=host, operations=count):
                name = f"{host:<{self._width}}"
                self._tasks[host] = self._bars.add_task(name, total=count, what="takes the lock")
            case OperationStarted(operation=step):
                self._count(step, f"{verb_of(step)} {clean(step.target)}", 0)
            case OperationProgress(operation=VerifyWorkload() as step, text=text) if text:
                self._print(step, "?", clean(text), "yellow")
            case OperationProgress(operation=step):
                self._transfer(step, event)
            case OperationDone(operation=step, seconds=seconds):
                self._count(step, "", 1)
                self._print(step, "✓", f"{seconds:.1f} s", "green")
            case OperationFailed(operation=step):
                self._count(step, "failed", 0)
                self._print(step, "✗", "failed", "red")
            case OperationSkipped(operation=step, why=why):
                self._print(step, "-", f"not tried: {why}", "yellow")
            case HostReturns(host=host, release=release):
                said = f"{host:<{self._width}}  goes back to release {clean(release)}"
                self._bars.console.print(said, style="yellow", markup=False)
            case HostFinished(host=host):
                if host in self._tasks:
                    self._bars.remove_task(self._tasks.pop(host))

    def _count(self, step: Operation, what: str, more: int) -> None:
        """Show how many of the host's operations are done."""
        done = self._done[step.host] = self._done.get(step.host, 0) + more
        total = len(self._plan.of(step.host))
        if step.host in self._tasks:
            self._bars.update(self._tasks[step.host], completed=done, total=total, what=what)

    def _transfer(self, step: Operation, event: OperationProgress) -> None:
        """Show the bytes of the transfer under way, or what the host says of it."""
        what = f"{verb_of(step)} {clean(step.target)}"
        task = self._tasks.get(step.host)
        if task is None:
            return
        if event.done_bytes is None:
            self._bars.update(task, what=f"{what}: {clean(event.text)[:40]}")
            return
        shown = show_bytes(event.done_bytes)
        if event.total_bytes:
            sent = event.done_bytes >= event.total_bytes
            shown += ", the host checks it" if sent else f" of {show_bytes(event.total_bytes)}"
            self._bars.update(task, completed=event.done_bytes, total=event.total_bytes)
        self._bars.update(task, what=f"{what}: {shown}")

    def _print(self, step: Operation, sign: str, said: str, color: str) -> None:
        """Leave a line above the bars."""
        from rich.text import Text

        what = f"{step.host:<{self._width}}  {verb_of(step)} {clean(step.target)}"
        self._bars.console.print(Text.assemble((sign, color), f" {what}  ", (said, "dim")))
