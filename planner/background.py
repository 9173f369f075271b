"""Runs a function in a thread that does not keep the process alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> Callable[[], T]:
    """Begin ``work`` at once; what is returned waits for it and gives its result, or raises what it
    raised.

    An executor of the standard library would be waited for at the end of the process, so that
    somebody who presses Ctrl-C twice would wait for a host that is silent.
    """
    results: list[T] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as problem:  # noqa: BLE001 - it is raised where it is waited for
            problems.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def result() -> T:
        thread.join()
        if problems:
            raise problems[0]
        return results[0]

    return result
