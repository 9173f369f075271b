"""Brings artifacts and releases to a host: pushed with resume, or fetched by the host itself."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from planner.apply import steps
from planner.apply.events import OperationProgress
from planner.apply.run import HostRun, said
from planner.diff.places import part_of
from planner.diff.values import FetchArtifact, Operation, PushArtifact, WriteRelease
from planner.errors import PlannerError, UsageError
from planner.render.bundle import HostBundle
from planner.units import MIB

WRONG_DIGEST: Final = 65
_REPORT_EVERY: Final = 4 * MIB
_SLOWEST_BYTES_PER_SECOND: Final = 10 * MIB  # of a host that checks and unpacks what arrived
_FETCH_SECONDS: Final = 24 * 3600.0  # curl gives up by itself when nothing moves


def push(run: HostRun, step: PushArtifact) -> None:
    """Send a file, from where an earlier transfer stopped, and have it checked and put to use.

    Raises UsageError when the local file is gone or has changed, PlannerError when the host fails.
    """
    artifact = step.artifact
    path = Path(artifact.source)
    try:
        source = path.open("rb")
    except OSError as problem:
        raise UsageError(
            f"{path} cannot be read", where=run.host, cause=problem.strerror
        ) from problem
    part = part_of(artifact, run.layout.project).removeprefix("incoming/")
    with source:
        size = source.seek(0, io.SEEK_END)
        # A part of an earlier, different file has the right name but the wrong bytes: the host
        # throws it away when its digest is wrong, and the second try starts from nothing.
        for _ in range(2):
            _send(run, step, source, part, size)
            finish = steps.finish_transfer(run.layout, artifact)
            result = run.attempt(finish, seconds=120 + size / _SLOWEST_BYTES_PER_SECOND)
            if result.ok:
                return
            if result.exit != WRONG_DIGEST:
                raise PlannerError("a command failed there", where=run.host, cause=said(result))
    raise UsageError(
        f"{path} is not the file that was planned: it has changed since",
        where=run.host,
        cause=said(result),
        advice="run the same command again: the plan is made anew",
    )


def _send(run: HostRun, step: PushArtifact, source: BinaryIO, part: str, size: int) -> None:
    """Send what the host does not have yet of the file."""
    begin = run.change(steps.begin_transfer(run.layout, part))
    have = int(begin.stdout.strip() or 0)
    offset = have if have <= size else 0
    report = _reporter(run, step, size)
    report(offset)
    if offset < size or size == 0:
        target = run.layout.incoming(part)
        run.transport.put(source, target, offset=offset, progress=report)


def _reporter(run: HostRun, step: Operation, size: int) -> Callable[[int], None]:
    """Tells of progress, but not of every packet; ends the transfer when the run is stopped."""
    last = -_REPORT_EVERY

    def report(done: int) -> None:
        nonlocal last
        run.go_on()
        if done - last >= _REPORT_EVERY or done == size:
            last = done
            run.emit(OperationProgress(step, done, size))

    return report


def fetch(run: HostRun, step: FetchArtifact) -> None:
    """Have the host fetch an image or model files. Raises PlannerError when it cannot."""

    def on_line(line: str) -> None:
        run.go_on()
        word, _, rest = line.partition(" ")
        if word == "bytes" and rest.isdigit():
            run.emit(OperationProgress(step, int(rest), step.artifact.bytes))
        else:
            run.emit(OperationProgress(step, text=line))

    source = step.artifact.token
    token = None if source is None else run.options.secrets[source.name]
    command = steps.fetch(run.layout, step.artifact, run.options.hub, token)
    run.change(command, seconds=_FETCH_SECONDS, on_line=on_line)


def write(run: HostRun, step: WriteRelease) -> None:
    """Write the release folder. Raises PlannerError when the host refuses it."""
    part = f"release-{step.bundle.digest}.part"
    run.change(steps.begin_transfer(run.layout, part))
    archive = io.BytesIO(pack(step.bundle))
    run.transport.put(archive, run.layout.incoming(part), progress=lambda _: None)
    run.change(steps.write_release(run.layout, part, step.bundle.digest))


def pack(bundle: HostBundle) -> bytes:
    """The release as a tar archive; equal releases give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in sorted(bundle.files, key=lambda file: file.path):
            content = file.content.encode()
            entry = tarfile.TarInfo(file.path)
            entry.size, entry.mode = len(content), file.mode
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
