"""Failures to messages and exit codes, in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from planner.errors import PlannerError


def guarded(action: Callable[[], int], words: Sequence[str]) -> int:
    """Run ``action``; whatever goes wrong ends as a message on standard error and a code."""
    try:
        return action()
    except PlannerError as failure:
        show(failure)
        return failure.exit_code
    except KeyboardInterrupt:
        _say("planner: interrupted")
        return 130
    except BrokenPipeError as fault:
        return 0 if _reader_gone() else _own_fault(fault, words)
    except Exception as fault:  # noqa: BLE001 - the one place where a fault of our own ends
        return _own_fault(fault, words)


def show(failure: PlannerError) -> None:
    """Print a failure: what, where, why, what to type next."""
    from planner.views.messages import draw_failure
    from planner.views.terminal import stderr_style

    _say(draw_failure(failure, stderr_style()))


def _say(text: str) -> None:
    """Print to standard error. The exit code says the same, so a reader may have left."""
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201
    except BrokenPipeError:
        if not _reader_gone():
            raise


def _reader_gone() -> bool:
    """Whether the reader of our output has left (``planner schema | head``): not a failure.

    A pipe that breaks elsewhere, to an ssh-agent or a child, is one. What is left to write is then
    thrown away, or the interpreter would complain of it as it ends.
    """
    import os
    import select

    gone = False
    for descriptor in (1, 2):
        asked = select.poll()
        asked.register(descriptor, select.POLLOUT)
        if any(event & select.POLLERR for _, event in asked.poll(0)):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
            gone = True
    return gone


def _own_fault(fault: Exception, words: Sequence[str]) -> int:
    import os
    import tempfile
    import traceback

    if os.environ.get("PLANNER_DEBUG"):
        traceback.print_exc()
        return 1
    with tempfile.NamedTemporaryFile(
        "w", prefix="planner-fault-", suffix=".txt", delete=False
    ) as report:
        report.write(f"planner {' '.join(words)}\n\n{traceback.format_exc()}")
    _say(
        f"planner: a fault of planner's own: {type(fault).__name__}: {fault}\n"
        f"  details  {report.name}\n"
        "  next     please report it with that file; PLANNER_DEBUG=1 shows it here"
    )
    return 1
