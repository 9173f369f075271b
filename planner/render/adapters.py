"""The artifacts that a model's adapters come in: pushed files, and where an engine sees them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from planner.blueprint.schema import RuntimeChoice
from planner.diagnostics import Diagnostic, error
from planner.engines.engine import AdapterFormat, Engine
from planner.farm import FarmAdapter, LocalFile, Placed
from planner.render.bundle import Artifact, ArtifactKind
from planner.render.places import artifact_folder
from planner.render.weights import MISSING

FOLDER: Final = "/adapters"
# Commas and colons separate paths in options and units.
_PLAIN: Final = re.compile(r"[A-Za-z0-9._+=@-]+")


class LoadedAdapter(NamedTuple):
    """An adapter that an engine loads; ``folder`` says that it is told the folder of the files."""

    name: str
    files: tuple[Artifact, ...]
    folder: bool

    @property
    def path(self) -> str:
        """The adapter inside a container or root folder."""
        return f"{FOLDER}/{self.name}" if self.folder else f"{FOLDER}/{self.name}.gguf"

    def mounts(self, project: str) -> tuple[tuple[str, str], ...]:
        """Each file on the host, and where a container or root folder sees it."""
        return tuple(
            (_on_host(project, file), f"{self.path}/{_name(file)}" if self.folder else self.path)
            for file in self.files
        )

    def host_path(self, project: str) -> str:
        """The adapter for an engine that sees the host's own files; never one of several files."""
        return _on_host(project, self.files[0])


def adapters_of(
    engine: Engine, placed: Placed
) -> tuple[tuple[LoadedAdapter, ...], tuple[Diagnostic, ...]]:
    """The adapters of a replica in the order they are written, and what keeps one from it."""
    loaded: list[LoadedAdapter] = []
    found: list[Diagnostic] = []
    for item in placed.model.adapters:
        refused = _refused(engine, placed, item)
        if refused is not None or item.local is None:
            found += [refused] if refused else []
            continue
        files = tuple(_artifact(file) for file in item.local.files)
        if any(file.key == MISSING for file in files):
            found.append(_unread(item))
        loaded.append(LoadedAdapter(item.name, files, item.local.folder))
    return tuple(loaded), (*found, *_twins(loaded))


def _refused(engine: Engine, placed: Placed, item: FarmAdapter) -> Diagnostic | None:
    path, name = ("adapters", item.name, "source"), item.name
    if engine.adapters is None:
        return error(f"{engine.name} serves no adapters", "models", placed.model.name, "adapters",
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
    bare = placed.host.spec.runtime is RuntimeChoice.SYSTEMD and placed.model.archive is None
    if item.local.folder and bare:
        return error(f"an adapter's folder cannot be shown to a program of {placed.host.name}",
                     *path, value=item.source, detail="its files lie apart there, by their digests",
                     advice=f"write models.{placed.model.name}.image: {{archive: <root tar>}}",
                     )  # fmt: skip
    strange = [file.path for file in item.local.files if not _PLAIN.fullmatch(_base(file.path))]
    if strange:
        return error(f"the file name of adapter {name!r} has signs that mean something to engines",
                     *path, value=_base(strange[0]),
                     advice="rename it: letters, digits and . _ + = @ - only")  # fmt: skip
    return None


def _artifact(file: LocalFile) -> Artifact:
    return Artifact(ArtifactKind.WEIGHTS, file.sha256 or MISSING, file.path, file.bytes)


def _unread(item: FarmAdapter) -> Diagnostic:
    return error(f"the files of adapter {item.name!r} could not be read", "adapters", item.name,
                 "source", value=item.source,
                 advice=f"put them at {item.source}, beside the blueprint")  # fmt: skip


def _twins(loaded: list[LoadedAdapter]) -> list[Diagnostic]:
    """One content under two file names: a host keeps it once, under one of them."""
    first: dict[str, str] = {}
    found = []
    for adapter in loaded:
        for file in adapter.files:
            if file.key != MISSING and first.setdefault(file.key, _name(file)) != _name(file):
                found.append(error(f"{first[file.key]} and {_name(file)} are the same file",
                                   "adapters", adapter.name, "source",
                                   advice="name one of them in both places"))  # fmt: skip
    return found


def _on_host(project: str, file: Artifact) -> str:
    return f"{artifact_folder(project, file)}/{_name(file)}"


def _name(file: Artifact) -> str:
    return _base(file.source)


def _base(path: str) -> str:
    return PurePosixPath(path).name
