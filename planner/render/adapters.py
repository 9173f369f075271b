"""The artifacts that a model's adapters come in: pushed files, and where an engine sees them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from planner.diagnostics import Diagnostic, error
from planner.engines.engine import ADAPTERS, AdapterFormat, Engine
from planner.farm import FarmAdapter, FarmModel
from planner.render.bundle import Artifact, ArtifactKind
from planner.render.places import adapters_folder
from planner.render.weights import MISSING

FOLDER: Final = ADAPTERS
# Commas and colons separate paths in options and units.
_PLAIN: Final = re.compile(r"[A-Za-z0-9._+=@-]+")


class LoadedAdapter(NamedTuple):
    """An adapter that an engine loads; ``folder`` says that it is told the folder of the files.

    Its files lie together in a folder of the host that is named by what they hold: another content
    is another path, so that no engine mistakes what it has computed with the old one.
    """

    name: str
    files: tuple[Artifact, ...]
    folder: bool

    @property
    def path(self) -> str:
        """The adapter inside a container or root folder."""
        return self._below(FOLDER)

    def host_path(self, project: str) -> str:
        """The adapter for an engine that sees the host's own files."""
        return self._below(adapters_folder(project))

    def _below(self, folder: str) -> str:
        first = self.files[0]
        where = f"{folder}/{first.folder}"
        return where if self.folder else f"{where}/{_base(first.source)}"


def adapters_of(
    engine: Engine, model: FarmModel
) -> tuple[tuple[LoadedAdapter, ...], tuple[Diagnostic, ...]]:
    """The adapters of a model in the order they are written, and what keeps one from it."""
    loaded: list[LoadedAdapter] = []
    found: list[Diagnostic] = []
    for item in model.adapters:
        refused = _refused(engine, model, item)
        if refused is not None or item.local is None:
            found += [refused] if refused else []
            continue
        files = _artifacts(item)
        if any(file.key == MISSING for file in files):
            found.append(_unread(item))
        loaded.append(LoadedAdapter(item.name, files, item.local.folder))
    return tuple(loaded), tuple(found)


def _refused(engine: Engine, model: FarmModel, item: FarmAdapter) -> Diagnostic | None:
    path, name = ("adapters", item.name, "source"), item.name
    if engine.adapters is None:
        return error(f"{engine.name} serves no adapters", "models", model.name, "adapters",
                     advice="write engine: vllm, or take the adapters out")  # fmt: skip
    if item.local is None:
        return error(f"adapter {name!r} would come from a hub, which planner does not fetch yet",
                     *path, value=item.source,
                     advice=f"download it beside the blueprint and write source: ./adapters/{name}",
                     )  # fmt: skip
    if item.local.folder and engine.adapters is AdapterFormat.GGUF:
        return error(f"{engine.name} loads adapters as GGUF files, not as folders", *path,
                     value=item.source,
                     advice="convert it with llama.cpp's convert_lora_to_gguf.py (--base <folder "
                     f"of the base> --outfile {name}.gguf {item.source}) and name the file",
                     )  # fmt: skip
    if not item.local.folder and engine.adapters is AdapterFormat.PEFT:
        return error(f"{engine.name} loads adapters as folders, not as one file", *path,
                     value=item.source, advice="name the folder that holds adapter_config.json and "
                     "adapter_model.safetensors")  # fmt: skip
    strange = [file.path for file in item.local.files if not _PLAIN.fullmatch(_base(file.path))]
    if strange:
        return error(f"the file name of adapter {name!r} has signs that mean something to engines",
                     *path, value=_base(strange[0]),
                     advice="rename it: letters, digits and . _ + = @ - only")  # fmt: skip
    return None


def _artifacts(item: FarmAdapter) -> tuple[Artifact, ...]:
    """The files of an adapter as they lie on a host, in a folder named by names and contents."""
    if item.local is None:
        return ()
    kind, folder = ArtifactKind.ADAPTER, item.local.digest
    return tuple(
        Artifact(kind, file.sha256 or MISSING, file.path, file.bytes, folder=folder)
        for file in item.local.files
    )


def _unread(item: FarmAdapter) -> Diagnostic:
    return error(f"the files of adapter {item.name!r} could not be read", "adapters", item.name,
                 "source", value=item.source,
                 advice=f"put them at {item.source}, beside the blueprint")  # fmt: skip


def _base(path: str) -> str:
    return PurePosixPath(path).name
