"""Digests of big files are right, remembered, and forgotten when the file changes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from planner.sources.hashes import FileHashes


def test_a_digest_is_computed_once_a_content(tmp_path: Path) -> None:
    reads: list[int] = []
    file, store = tmp_path / "model.gguf", tmp_path / "cache" / "hashes.json"
    file.write_bytes(b"weights")

    def digest() -> str:
        return FileHashes(store, lambda _path, done, _total: reads.append(done)).sha256(file)

    assert digest() == hashlib.sha256(b"weights").hexdigest()
    assert digest() == hashlib.sha256(b"weights").hexdigest()
    assert reads == [7]
    file.write_bytes(b"WEIGHTS")
    os.utime(file, ns=(1, 1))
    assert digest() == hashlib.sha256(b"WEIGHTS").hexdigest()
    assert reads == [7, 7]


def test_a_damaged_memory_only_costs_time(tmp_path: Path) -> None:
    file, store = tmp_path / "model.gguf", tmp_path / "hashes.json"
    file.write_bytes(b"weights")
    for damage in ("", "[1]", '{"x"'):
        store.write_text(damage)
        assert FileHashes(store).sha256(file) == hashlib.sha256(b"weights").hexdigest()


def test_a_memory_that_cannot_be_kept_is_no_failure(tmp_path: Path) -> None:
    file, blocked = tmp_path / "model.gguf", tmp_path / "blocked"
    file.write_bytes(b"weights")
    blocked.write_text("a file where a folder should be")
    found = FileHashes(blocked / "hashes.json").sha256(file)
    assert found == hashlib.sha256(b"weights").hexdigest()
