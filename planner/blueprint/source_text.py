"""How a ``source:`` is read: a hub repository with an optional commit, or a path."""

from __future__ import annotations

from typing import Final

_FILES: Final = (".gguf", ".safetensors")


def is_local(source: str) -> bool:
    """Whether a source names a path rather than a hub repository.

    ``model.gguf`` and ``models/model.gguf`` are paths; ``org/name/model.gguf`` is a file of a hub
    repository, as a path of that shape is written ``./org/name/model.gguf``.
    """
    if source.startswith(("./", "../", "/", "~")):
        return True
    return source.endswith(_FILES) and source.count("/") < 2
