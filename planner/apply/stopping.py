"""Ctrl-C and termination while hosts are at work: the first lets every host finish its step, as
long as that does not take long."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

PATIENCE_SECONDS: Final = 7.0  # for the step under way; a model may take minutes to load
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(give_up: Callable[[], None] = lambda: None) -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or termination sets; the second raises KeyboardInterrupt.

    ``give_up`` is called when the block has not ended some seconds after the first.
    Only a process's main thread may handle signals: in any other the event is never set.
    """
    stopped = threading.Event()
    patience = threading.Timer(PATIENCE_SECONDS, give_up)
    patience.daemon = True

    def handle(number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        patience.start()

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stopped
    finally:
        patience.cancel()
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
