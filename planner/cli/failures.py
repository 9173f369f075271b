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
        print("planner: interrupted", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        return _closed()
    except Exception as fault:  # noqa: BLE001 - the one place where a fault of our own ends
        return _own_fault(fault, words)


def show(failure: PlannerError) -> None:
    """Print a failure: what, where, why, what to type next."""
    from planner.views.messages import draw_failure
    from planner.views.terminal import stderr_style

    print(draw_failure(failure, stderr_style()), file=sys.stderr)  # noqa: T201


def _closed() -> int:
    """The reader of our output went away (``planner plan | head``): not a failure."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


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
    print(  # noqa: T201
        f"planner: a fault of planner's own: {type(fault).__name__}: {fault}\n"
        f"  details  {report.name}\n"
        "  next     please report it with that file; PLANNER_DEBUG=1 shows it here",
        file=sys.stderr,
    )
    return 1
