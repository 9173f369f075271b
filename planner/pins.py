"""What moving names meant when they were pinned: commits, digests and hashes, as values.

A branch of a model repository, a tag of an image and a path on somebody's disk can change without
the blueprint changing. ``planner.lock`` keeps what they were, so that one Git commit means one
farm. Reading and writing the file is ``planner.sources.lock_file``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class HubFile(NamedTuple):
    """A file of a model repository. ``sha256`` is None where the hub does not state it."""

    name: str
    bytes: int
    sha256: str | None = None


class HubPin(NamedTuple):
    """A model repository at one commit.

    ``config`` is its config.json, kept where nothing else says what the model is made of.
    """

    repository: str
    commit: str
    files: tuple[HubFile, ...]
    config: Mapping[str, Any] | None = None


class FilePin(NamedTuple):
    """A local file that is pushed to hosts."""

    sha256: str
    bytes: int


class Pins(NamedTuple):
    """All that is pinned.

    ``models`` by repository as the blueprint names it (``org/name`` or ``org/name@revision``),
    ``images`` from reference to reference with digest, ``files`` by path as written.
    """

    models: Mapping[str, HubPin] = MappingProxyType({})
    images: Mapping[str, str] = MappingProxyType({})
    files: Mapping[str, FilePin] = MappingProxyType({})

    def model(self, repository: str, revision: str | None) -> HubPin | None:
        """The pin of a source; one of another commit than the blueprint asks for is none."""
        if revision is None:
            return self.models.get(repository)
        found = self.models.get(f"{repository}@{revision}") or self.models.get(repository)
        return found if found and found.commit == revision else None
