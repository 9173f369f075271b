"""A command on a host that runs for as long as it is held on to: the other end of a lock."""

from __future__ import annotations

import threading
from typing import Final, Protocol

BEAT_SECONDS: Final = 5.0  # between two signs of life
SILENCE_SECONDS: Final = 30  # without one for so long, the host takes the holder for gone


class HeldCommand(Protocol):
    """A running command's ends on this machine."""

    def send(self, data: bytes) -> None:
        """Write to its standard input. Raises OSError or EOFError when it is gone."""

    def end_input(self) -> None:
        """Close its standard input. Raises OSError or EOFError when it is gone."""

    def wait(self, seconds: float) -> bool:
        """Wait until it ends; whether it has."""


class Hold:
    """Keeps the command alive with a byte every few seconds, from a thread of its own.

    The host learns from it that this machine is there, also where no packet tells that it is gone.
    """

    def __init__(self, command: HeldCommand, beat: float = BEAT_SECONDS) -> None:
        self._command = command
        self._beat = beat
        self._over = threading.Event()
        threading.Thread(target=self._live, name="lock", daemon=True).start()

    @property
    def lost(self) -> bool:
        """Whether the command has ended by itself."""
        return self._over.is_set() or self._command.wait(0)

    def release(self, seconds: float = 10) -> bool:
        """Let the command end, and wait for that; whether it has ended."""
        self._over.set()
        try:
            self._command.end_input()
        except (OSError, EOFError):
            return False
        return self._command.wait(seconds)

    def _live(self) -> None:
        while not self._over.wait(self._beat):
            try:
                self._command.send(b".")
            except (OSError, EOFError):
                self._over.set()
