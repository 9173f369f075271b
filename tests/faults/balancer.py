"""Asks replicas as clients behind a balancer do: in turn, the next one when one does not answer."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Clients:
    """So many requests a second, until they are ended; ``dropped`` are those that nobody answered.

    ``answered`` counts answers by replica.
    """

    replicas: Sequence[str]
    rate: float = 50.0
    threads: int = 10
    sent: int = 0
    dropped: list[str] = field(default_factory=list)
    answered: dict[str, int] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        self._running = [threading.Thread(target=self._ask) for _ in range(self.threads)]
        for thread in self._running:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._running:
            thread.join()

    def _ask(self) -> None:
        due = time.monotonic()
        while not self._over.is_set():
            with self._lock:
                turn = self.sent
                self.sent += 1
            why = self._one(turn)
            if why:
                with self._lock:
                    self.dropped.append(why)
            due += self.threads / self.rate
            self._over.wait(max(0.0, due - time.monotonic()))

    def _one(self, turn: int) -> str | None:
        """A real question; why nobody answered it."""
        said = []
        for step in range(len(self.replicas)):
            url = self.replicas[(turn + step) % len(self.replicas)]
            question = json.dumps({"prompt": "hi", "n_predict": 1}).encode()
            request = urllib.request.Request(
                f"{url}/completion", question, {"Content-Type": "application/json"}
            )
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    answer.read()
            except (OSError, urllib.error.URLError) as problem:
                said.append(f"{url}: {problem}")
                continue
            with self._lock:
                self.answered[url] = self.answered.get(url, 0) + 1
            return None
        return "; ".join(said)
