"""What became of every operation, for operations on other hosts that wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

_LOOK_SECONDS: Final = 0.2


class Outcomes:
    """Shared by the threads of all hosts."""

    def __init__(self) -> None:
        self._done: dict[str, bool] = {}
        self._over: set[str] = set()
        self._changed = threading.Condition()

    def tell(self, operation: str, done: bool) -> None:
        """An operation is done, or will not be."""
        with self._changed:
            self._done[operation] = done
            self._changed.notify_all()

    def end(self, host: str) -> None:
        """Nothing more will happen on a host."""
        with self._changed:
            self._over.add(host)
            self._changed.notify_all()

    def wait(self, operation: str, stopped: Callable[[], bool]) -> bool:
        """Wait until an operation's outcome is known; whether it was done.

        False when the run is stopped meanwhile, and when its host ends without it.
        """
        host = operation.partition("/")[0]
        with self._changed:
            while operation not in self._done and host not in self._over:
                if stopped():
                    return False
                self._changed.wait(_LOOK_SECONDS)
            return self._done.get(operation, False)
