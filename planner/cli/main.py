"""The console script: sets the interpreter up for a short run, then runs one verb."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

INTERRUPTED: Final = 130  # the exit code of the design


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with the codes of the design."""
    _prepare()
    words = list(sys.argv[1:] if arguments is None else arguments)
    leave(run(words))


def leave(code: int) -> NoReturn:
    """End the process."""
    if code == INTERRUPTED:
        # Whoever has pressed Ctrl-C does not wait: neither for modules to be torn down, nor for
        # threads that wait for a host. Nothing is left to these but what the next run finds.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    # Frozen, its objects go with the process; otherwise the interpreter would search all of them
    # for cycles once more, a tenth of the time that `validate` takes.
    gc.freeze()
    sys.exit(code)


def run(words: list[str]) -> int:
    """Run one command and return its exit code. Nothing a user can do prints a traceback."""
    from planner.cli.failures import guarded

    return guarded(lambda: _dispatch(words), words)


def _dispatch(words: list[str]) -> int:
    from planner.cli.application import dispatch

    return dispatch(words)


def _prepare() -> None:
    """What must be set before anything large is imported."""
    # Starting makes some 60,000 objects that live until the end. At Python's own threshold of 700
    # the collector would walk over them again and again and find nothing.
    gc.set_threshold(100_000, 20, 20)
    # pydantic looks through the metadata of every installed package for plugins. planner uses
    # none, and what a blueprint means must not depend on what else is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    # A stream that whoever started us has closed takes everything and keeps nothing.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - until the process ends


if __name__ == "__main__":
    main()
