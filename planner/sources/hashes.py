"""SHA-256 of big local files, remembered by path, size and modification time.

The memory is a cache: lost or damaged, files are read again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

Progress = Callable[[Path, int, int], None]


class FileHashes:
    """Hashes files once. ``store`` is where digests are kept between runs."""

    def __init__(self, store: Path, progress: Progress | None = None) -> None:
        self._store = store
        self._progress = progress
        self._known: dict[str, list[object]] | None = None

    def sha256(self, path: Path) -> str:
        """The file's digest in hexadecimal. Raises OSError when it cannot be read."""
        stat = path.stat()
        stamp: list[object] = [stat.st_size, stat.st_mtime_ns]
        known = self._load().get(str(path))
        if known and known[:2] == stamp:
            return str(known[2])
        digest = self._read(path, stat.st_size)
        self._load()[str(path)] = [*stamp, digest]
        self._save()
        return digest

    def _read(self, path: Path, size: int) -> str:
        digest, done = hashlib.sha256(), 0
        with path.open("rb", buffering=0) as handle:
            while block := handle.read(1 << 20):
                digest.update(block)
                done += len(block)
                if self._progress:
                    self._progress(path, done, size)
        return digest.hexdigest()

    def _load(self) -> dict[str, list[object]]:
        if self._known is None:
            try:
                data = json.loads(self._store.read_text())
                self._known = data if isinstance(data, dict) else {}
            except (OSError, ValueError):
                self._known = {}
        return self._known

    def _save(self) -> None:
        try:
            self._store.parent.mkdir(parents=True, exist_ok=True)
            part = self._store.with_name(f"{self._store.name}.{os.getpid()}")
            part.write_text(json.dumps(self._known))
            part.replace(self._store)
        except OSError:
            return  # a cache that cannot be kept costs time, nothing else
