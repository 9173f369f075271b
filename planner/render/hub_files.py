"""Which files of a model repository an engine needs, from the list that was pinned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from planner.pins import HubFile

# Copies of the same weights for other runtimes.
_OTHER_FOLDERS: Final = ("original/", "onnx/", "openvino/", "metal/", "gguf/")
_SHARD: Final = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


def folder_files(files: Sequence[HubFile]) -> tuple[HubFile, ...]:
    """The files of a repository that is loaded as a folder: weights once, and all that is small."""
    kept = [f for f in files if not f.name.startswith(_OTHER_FOLDERS) and not _is_gguf(f)]
    if any(f.name.startswith("model") and _is_weights(f) for f in kept):
        # some publishers add the same weights in one piece, named "consolidated"
        kept = [f for f in kept if not f.name.startswith("consolidated")]
    return tuple(sorted(kept, key=lambda f: f.name))


def gguf_files(
    files: Sequence[HubFile], wanted: str | None, quantization: str | None
) -> tuple[HubFile, ...]:
    """The GGUF to load, all its parts, the first one first; empty when it cannot be told.

    ``wanted`` is a file's name; without it the one whose name holds the ``quantization``, or the
    only one there is.
    """
    every = [f for f in files if _is_gguf(f) and "mmproj" not in f.name.lower()]
    found = [f for f in every if f.name == wanted] if wanted else every
    if not wanted and quantization:
        found = [f for f in every if _holds(f.name, quantization)]
    wholes = {_SHARD.sub("", f.name) for f in found}
    if len(wholes) != 1:
        return ()
    whole = wholes.pop()
    return tuple(
        sorted((f for f in every if _SHARD.sub("", f.name) == whole), key=lambda f: f.name)
    )


def _holds(name: str, quantization: str) -> bool:
    """Whether a file's own name says the format: as a word, so that Q4_K is not Q4_K_M."""
    own = name.rpartition("/")[2]
    pattern = rf"(?<![A-Za-z0-9]){re.escape(quantization)}(?![A-Za-z0-9_])"
    return re.search(pattern, own, re.IGNORECASE) is not None


def _is_gguf(file: HubFile) -> bool:
    return file.name.endswith(".gguf")


def _is_weights(file: HubFile) -> bool:
    return file.name.endswith(".safetensors")
