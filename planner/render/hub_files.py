"""Which files of a model repository an engine needs, from the list that was pinned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from planner.pins import HubFile

# Copies of the same weights for other runtimes.
_OTHER_FOLDERS: Final = ("original/", "onnx/", "openvino/", "metal/", "gguf/")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=@ -]*(?:/[A-Za-z0-9._+=@ -]+)*")
_WEIGHTS: Final = (".safetensors", ".gguf")
_CODE: Final = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".py", ".so")
_CONVERTED: Final = "model.bin"
_SHARD: Final = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


def folder_files(files: Sequence[HubFile]) -> tuple[HubFile, ...]:
    """The files of a repository that is loaded as a folder: weights once, and all that is small."""
    kept = [f for f in files if not f.name.startswith(_OTHER_FOLDERS) and not _is_gguf(f)]
    if any(f.name.startswith("model") and _is_weights(f) for f in kept):
        # some publishers add the same weights in one piece, named "consolidated"
        kept = [f for f in kept if not f.name.startswith("consolidated")]
    if any(_is_weights(f) for f in kept):
        # of two copies the one that everybody reads as data
        kept = [f for f in kept if f.name != _CONVERTED]
    return tuple(sorted(kept, key=lambda f: f.name))


def unsafe(files: Sequence[HubFile], *, converted: bool) -> str | None:
    """Why these files may not go to a host, whatever the list says: it can be edited, and comes
    from whoever published them; None when they may.

    Names stay below their folder; weights have a hash; what is unpickled can run code.
    ``converted`` allows CTranslate2's ``model.bin``, which is none.
    """
    for file in files:
        if not _NAME.fullmatch(file.name) or ".." in file.name.split("/"):
            return f"the name {file.name!r} could lead out of the model's folder"
        if file.name.endswith(_CODE) and not (converted and file.name == _CONVERTED):
            return f"{file.name} can run code when it is loaded"
        if file.name.endswith((*_WEIGHTS, _CONVERTED)) and not file.sha256:
            return f"{file.name} has no SHA-256 by which what arrives could be checked"
    return None


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
