"""How a ``source:`` is read: a hub repository with an optional commit, or a path."""

from __future__ import annotations


def is_local(source: str) -> bool:
    """Whether a source names a path rather than a hub repository."""
    return source.startswith(("./", "../", "/", "~")) or source.endswith((".gguf", ".safetensors"))
