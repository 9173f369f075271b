"""The artifact a model's weights come in: a pushed file, or files the host fetches from a hub."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, error
from planner.engines.engine import Engine
from planner.engines.registry import ENGINES
from planner.farm import FarmModel, SourceKind
from planner.pins import HubFile, HubPin, Pins
from planner.render.bundle import Artifact, ArtifactKind
from planner.render.hub_files import folder_files, gguf_files, unsafe

# Stands where a digest is not known, so that the rest can be shown; always beside an error.
MISSING: Final = "0" * 64
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


class Weights(NamedTuple):
    """The artifact, the file of it that the engine opens (None: the whole folder), findings."""

    artifact: Artifact | None
    file: str | None
    diagnostics: tuple[Diagnostic, ...]


def weights_of(engine: Engine, model: FarmModel, pins: Pins) -> Weights:
    """What must lie on the host before the engine can load the model; None with the reasons."""
    name = model.source.name
    if model.source.kind is SourceKind.HUB:
        return _from_hub(engine, model, pins)
    if model.source.kind is SourceKind.FOLDER:
        wrong, advice = "a folder of model files cannot be pushed yet", "name one .gguf file"
    elif engine.folder:
        able = ", ".join(other.name for other in ENGINES if not other.folder)
        wrong, advice = f"{engine.name} loads a folder, not one file", f"write engine: {able}"
    else:
        return _from_file(model)
    found = error(wrong, "models", model.name, "source", value=name,
                  advice=f"{advice}, or a repository: source: org/name")  # fmt: skip
    return Weights(None, None, (found,))


def _from_file(model: FarmModel) -> Weights:
    local, found = model.weights, ()
    if local is not None and local.sha256 is not None:
        artifact = Artifact(ArtifactKind.WEIGHTS, local.sha256, local.path, local.bytes)
        return Weights(artifact, PurePosixPath(local.path).name, found)
    name = model.source.name
    unread = error("the model file could not be read", "models", model.name, "source", value=name,
                   advice=f"put it at {name}, beside the blueprint")  # fmt: skip
    artifact = Artifact(ArtifactKind.WEIGHTS, MISSING, name)
    return Weights(artifact, PurePosixPath(name).name, (unread,))


def _from_hub(engine: Engine, model: FarmModel, pins: Pins) -> Weights:
    owner, _, rest = model.source.name.partition("/")
    name, _, file = rest.partition("/")
    repository = f"{owner}/{name}"
    pin = pins.model(repository, model.source.revision)
    commit = pin.commit if pin else model.source.revision or ""
    found = [] if pin else [_unpinned(model, commit)]
    files: tuple[HubFile, ...] = (HubFile(file, 0),) if file else ()
    if pin is not None:
        files = _needed(engine, model, file, pin)
        if not files:
            found.append(_none_fits(engine, model, repository, pin))
        why = unsafe(files, converted=engine.loads_converted)
        if why is not None:
            found.append(error(f"files of {repository} are refused", "models", model.name, "source",
                               value=model.spec.source, detail=why,
                               advice="name a repository with safetensors or GGUF weights, or list "
                               "its files anew: planner lock BLUEPRINT --upgrade"))  # fmt: skip
    first = None if engine.folder else files[0].name if files else "model.gguf"
    # One file of a repository is another artifact than the whole: its folder holds only that.
    key = f"{repository}@{commit or 'unpinned'}" + (f"/{first}" if first else "")
    artifact = Artifact(
        ArtifactKind.HUB_FILES,
        key,
        repository,
        sum(item.bytes for item in files) or None,
        commit or None,
        tuple(item.name for item in files),
        tuple((item.name, item.sha256) for item in files if item.sha256),
    )
    return Weights(artifact, first, tuple(found))


def _needed(engine: Engine, model: FarmModel, file: str, pin: HubPin) -> tuple[HubFile, ...]:
    if engine.folder:
        return folder_files(pin.files)
    if engine.reads is not Family.GGUF:
        return tuple(item for item in pin.files if item.name == file)
    quantization = model.quantization.name if model.quantization else None
    return gguf_files(pin.files, file or None, quantization)


def _unpinned(model: FarmModel, commit: str) -> Diagnostic:
    path, written = ("models", model.name, "source"), model.spec.source
    if _COMMIT.fullmatch(commit):
        return error("its files are not known", *path, value=written,
                     detail="the host fetches exactly the files that were listed once",
                     advice="list them: planner lock BLUEPRINT")  # fmt: skip
    return error("the source names no commit", *path, value=written,
                 detail="a branch moves, and one blueprint would mean two farms",
                 advice="pin it: planner lock BLUEPRINT")  # fmt: skip


def _none_fits(engine: Engine, model: FarmModel, repository: str, pin: HubPin) -> Diagnostic:
    path, written = ("models", model.name, "source"), model.spec.source
    names = [item.name for item in pin.files if item.name.endswith(".gguf")]
    if engine.folder or not names:
        return error(f"{repository} holds no files that {engine.name} loads", *path, value=written,
                     detail=f"it loads {engine.reads.value} files",
                     advice="name another repository, or another engine")  # fmt: skip
    return error(f"{engine.name} loads one file, and it is not clear which", *path, value=written,
                 detail=f"{repository} holds {', '.join(names)}",
                 advice=f"write source: {repository}/{names[0]}")  # fmt: skip
