"""The verb ``lock``: asks the hub and the registries what moving names mean now."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePath

from planner import workflows
from planner.blueprint.check import check_blueprint
from planner.blueprint.schema import Blueprint, ImageArchive, Model
from planner.blueprint.source_text import is_local
from planner.catalogue.find_model import find_model
from planner.catalogue.match import NotFound
from planner.catalogue.pipeline import find_pipeline
from planner.catalogue.shapes import find_shape
from planner.diagnostics import Diagnostic
from planner.errors import BlueprintInvalid
from planner.farm import Farm, FarmAdapter, SourceKind
from planner.pins import FilePin, HubPin, Pins
from planner.render.bundle import Artifact, ArtifactKind
from planner.render.secrets import sources
from planner.secret import SecretValue, reference
from planner.sources.blueprint_files import read_document
from planner.sources.catalogue import PackagedCatalogue
from planner.sources.hub import hub_address, pin_repository
from planner.sources.hub_headers import read_config
from planner.sources.lock_file import read_lock, write_lock
from planner.sources.registry import pin_image
from planner.sources.secrets import read_secret


@dataclass(frozen=True, slots=True)
class Locked:
    """Where the lock file is, what it holds now, and the names whose pin is new or has moved."""

    path: Path
    pins: Pins
    moved: tuple[str, ...]


def lock(path: Path, *, upgrade: bool = False) -> Locked:
    """Pin everything that the blueprint at ``path`` names without a commit, digest or hash.

    What is pinned already stays, unless ``upgrade`` asks for what it means now. Raises
    BlueprintInvalid for a wrong blueprint or an unknown repository, UsageError for a silent server.
    """
    before = known = read_lock(path.parent)
    shapes = _shapes(path, before)
    if shapes:  # what follows can then tell what these models are made of
        known = before._replace(models={**before.models, **shapes})
        write_lock(path.parent, known)
    validated = workflows.validate(path, digest=workflows.file_digest(), headers=True)
    farm = workflows.require(validated)
    bundle = workflows.render(validated).bundle
    wanted = tuple(artifact for host in bundle.hosts for artifact in host.artifacts)
    after = Pins(
        models={**known.models, **_models(farm, known, upgrade, path.parent)},
        images={**before.images, **_images(wanted, before, upgrade)},
        files={**before.files, **_files(farm)},
    )
    return Locked(write_lock(path.parent, after), after, _moved(before, after))


def _shapes(path: Path, before: Pins) -> dict[str, HubPin]:
    """Pins with a config for models of the hub that nothing here knows the shape of."""
    document, _ = read_document(path, str(path))
    checked = check_blueprint(document) if document else None
    blueprint = (checked.blueprint or checked.partial) if checked else None
    found: dict[str, HubPin] = {}
    for model in blueprint.models.values() if blueprint else ():
        name, _, revision = model.source.partition("@")
        repository = "/".join(name.split("/")[:2])
        key = f"{repository}@{revision}" if revision else repository
        if is_local(model.source) or model.footprint or _known(name, repository) or key in found:
            continue
        hub, token = hub_address(), _token(blueprint, model, path.parent)
        pin = before.models.get(key) or pin_repository(hub, repository, revision or None, token)
        if pin.config is None:
            found[key] = pin._replace(config=read_config(hub, pin, token))
    return found


def _known(name: str, repository: str) -> bool:
    reader = PackagedCatalogue()
    found = (find_model(reader, name), find_shape(reader, name), find_pipeline(reader, repository))
    return any(not isinstance(answer, NotFound) for answer in found)


def _token(blueprint: Blueprint | None, model: Model, folder: Path) -> SecretValue | None:
    """The value of a model's ``hub_token``, where it can be read on this machine.

    Raises BlueprintInvalid for one that should be there and is not.
    """
    name = reference(model.hub_token or "")
    source = sources(blueprint).get(name) if blueprint and name else None
    if blueprint is None or source is None:
        return None
    found = read_secret(source, folder, blueprint.project, os.environ)
    if isinstance(found, Diagnostic):
        raise BlueprintInvalid(
            f"the hub's token {name!r} cannot be read", where=str(folder), diagnostics=(found,)
        )
    return found


def _models(farm: Farm, before: Pins, upgrade: bool, folder: Path) -> dict[str, HubPin]:
    found: dict[str, HubPin] = {}
    for model in farm.models:
        source = model.source
        if source.kind is not SourceKind.HUB:
            continue
        repository = "/".join(source.name.split("/")[:2])
        key = f"{repository}@{source.revision}" if source.revision else repository
        known = before.models.get(key)
        if known is None or (upgrade and source.revision is None):
            hub, token = hub_address(), _token(farm.blueprint, model.spec, folder)
            pin = pin_repository(hub, repository, source.revision, token)
            keeps = known is not None and known.config is not None
            found[key] = pin._replace(config=read_config(hub, pin, token)) if keeps else pin
    return found


def _images(wanted: tuple[Artifact, ...], before: Pins, upgrade: bool) -> dict[str, str]:
    moving = {
        artifact.source
        for artifact in wanted
        if artifact.kind is ArtifactKind.REGISTRY_IMAGE and "@" not in artifact.source
    }
    names = moving | (set(before.images) if upgrade else set())
    return {name: pin_image(name) for name in sorted(names)}


def _files(farm: Farm) -> dict[str, FilePin]:
    found: dict[str, FilePin] = {}
    for model in farm.models:
        image = model.spec.image
        archive = image.archive if image and not isinstance(image, str) else ""
        for written, file in ((model.spec.source, model.weights), (archive, model.archive)):
            if file and file.sha256 and file.bytes is not None:
                found[written] = FilePin(file.sha256, file.bytes)
        for adapter in model.adapters:
            found.update(_adapter_files(adapter))
    gateway = farm.blueprint.gateway
    if gateway is not None:
        files = farm.gateway_files
        for image, file in ((gateway.image, files.image), (gateway.caddy.image, files.caddy)):
            if isinstance(image, ImageArchive) and file and file.sha256 and file.bytes is not None:
                found[image.archive] = FilePin(file.sha256, file.bytes)
    return found


def _adapter_files(adapter: FarmAdapter) -> dict[str, FilePin]:
    """By path as written; a folder's files by the folder's path and their name."""
    found: dict[str, FilePin] = {}
    local = adapter.local
    for file in local.files if local else ():
        written = adapter.source
        if local is not None and local.folder:
            written = f"{written.rstrip('/')}/{PurePath(file.path).name}"
        if file.sha256 and file.bytes is not None:
            found[written] = FilePin(file.sha256, file.bytes)
    return found


def _moved(before: Pins, after: Pins) -> tuple[str, ...]:
    return (
        *(name for name, pin in after.models.items() if before.models.get(name) != pin),
        *(name for name, pin in after.images.items() if before.images.get(name) != pin),
        *(name for name, pin in after.files.items() if before.files.get(name) != pin),
    )
