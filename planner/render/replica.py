"""Joins a placed replica with its engine, version and artifacts: all that a runtime needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from planner.blueprint import schema
from planner.diagnostics import Diagnostic, error, warning
from planner.engines.advisories import check_version
from planner.engines.engine import MODELS, Engine, Launch, LaunchWeights
from planner.engines.image_server import engine_for, version_of
from planner.engines.registry import engine_names, find_engine
from planner.engines.versions import EngineVersion, parse_versions, pick_version
from planner.farm import FarmHost, FarmModel, HostDevice, Placed
from planner.names import advise
from planner.pins import Pins
from planner.ports import LOOPBACK
from planner.render.adapters import FOLDER, LoadedAdapter, adapters_of
from planner.render.bundle import Artifact, ArtifactKind, File
from planner.render.places import adapters_folder, artifact_folder, current_folder
from planner.render.secrets import of_environment
from planner.render.weights import MISSING, weights_of
from planner.secret import SecretSource, SecretUse, reference

LISTS: Final = "adapter-lists"  # a folder of the release, and where an engine sees it
_DIGEST: Final = re.compile(r".+@sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica to render.

    ``weights`` holds the model; ``file`` is the file of it that the engine opens, None for the
    whole folder. ``program`` is the archive or image the engine comes in, None when it is on the
    host already.
    """

    project: str
    placed: Placed
    engine: Engine
    version: EngineVersion
    weights: Artifact
    file: str | None
    program: Artifact | None
    adapters: tuple[LoadedAdapter, ...] = ()

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """What must lie on the host before it starts."""
        return _artifacts(self.weights, self.program, self.adapters)

    @property
    def fixed(self) -> tuple[Artifact, ...]:
        """Of these what only a start can change."""
        if not self.hot:
            return self.artifacts
        return tuple(item for item in self.artifacts if item.kind is not ArtifactKind.ADAPTER)

    def launch(self, host: str, port: int) -> Launch:
        """What its engine is told of it; ``host`` and ``port`` are what it listens on."""
        at = artifact_folder(self.project, self.weights) if self.program is None else MODELS
        path = f"{at}/{self.file}" if self.file else at
        hashes = dict(self.weights.hashes)
        pushed = self.weights.kind is ArtifactKind.WEIGHTS
        known = LaunchWeights(
            self.weights.key if pushed else hashes.get(self.file or ""),
            self.weights.bytes,
            self.weights.revision,
        )
        paths, key = self.adapter_paths, self.key_file
        told = Launch(
            self.placed, self.version, path, host, port, paths, key, self.list_path, known
        )
        own = self.engine.weights_at(told) if self.engine.weights_at else None
        return told._replace(model_path=own) if own else told

    def weights_mount(self, launch: Launch) -> tuple[str, str]:
        """The model on the host, and where a container or root folder sees it."""
        folder = artifact_folder(self.project, self.weights)
        if self.engine.weights_at is None:
            return folder, MODELS
        return (f"{folder}/{self.file}" if self.file else folder), launch.model_path

    def engine_files(self, launch: Launch) -> tuple[tuple[File, str], ...]:
        """Files of the release that its engine reads, and where it sees them.

        They are named by what they hold: other content is another path, and so a restart.
        """
        told = self.engine.files(launch)
        files = [File(f"engines/{self.placed.name}", item.text) for item in told]
        return tuple(
            (replace(file, path=f"{file.path}/{file.sha256[:16]}"), item.path)
            for file, item in zip(files, told, strict=True)
        )

    @property
    def adapter_paths(self) -> tuple[tuple[str, str], ...]:
        """Names and paths of its adapters as the engine sees them."""
        bare = self.program is None
        return tuple(
            (item.name, item.host_path(self.project) if bare else item.path)
            for item in self.adapters
        )

    def secrets(self, owner: int) -> tuple[SecretUse, ...]:
        """The secrets it uses, as files that the user ``owner`` may read."""
        spec = self.placed.model.spec
        key = self.key
        uses = () if key is None else (SecretUse(key, self.engine.key_variable, owner),)
        return (*uses, *of_environment(spec.environment, owner))

    @property
    def key(self) -> str | None:
        """The name of the secret that its clients must send."""
        return reference(self.placed.model.spec.api_key or "")

    @property
    def key_file(self) -> str | None:
        """Where the engine finds the key of its clients, when it reads it from a file."""
        return SecretUse(self.key).path if self.key and self.engine.reads_key else None

    @property
    def hot(self) -> bool:
        """Whether its adapters change while it runs.

        What loads adapters takes any path that is sent to it: only where nothing but the host
        itself reaches the port, or a key is asked for.
        """
        closed = self.placed.bind == LOOPBACK or self.key is not None
        return closed and bool(self.adapters) and self.engine.adapter_list is not None

    @property
    def list_path(self) -> str | None:
        """The file that names its adapters at each start, as the engine sees it."""
        if not self.hot:
            return None
        folder = current_folder(self.project, LISTS) if self.program is None else f"/{LISTS}"
        return f"{folder}/{self.placed.name}.yaml"

    @property
    def lists(self) -> tuple[File, ...]:
        """That file, in the release; it is read at each start, so no digest covers it."""
        if not self.hot or self.engine.adapter_list is None:
            return ()
        launch = Launch(self.placed, self.version, "", "", 0, self.adapter_paths)
        text = self.engine.adapter_list(launch)
        return (File(f"{LISTS}/{self.placed.name}.yaml", text),)

    @property
    def adapter_mounts(self) -> tuple[tuple[str, str], ...]:
        """Folders on the host, and where a container or root folder sees them.

        All adapters of the host, so that one that comes later is seen by what runs already.
        """
        if not self.adapters:
            return ()
        lists = ((current_folder(self.project, LISTS), f"/{LISTS}"),) if self.hot else ()
        return ((adapters_folder(self.project), FOLDER), *lists)


def join(
    project: str,
    placed: Placed,
    templates: Mapping[str, str],
    pins: Pins,
    declared: Mapping[str, SecretSource],
) -> tuple[Replica | None, tuple[Diagnostic, ...]]:
    """The replica to render, or None with the reasons; it may come with errors beside it.

    ``templates`` holds the engines' rows as ``engines/<engine>.yaml``; ``pins`` what names without
    a commit or a digest meant when they were locked; ``declared`` where secrets come from.
    """
    model, path = placed.model, ("models", placed.model.name)
    engine = engine_for(model)
    if engine is None:
        names = engine_names()
        return None, (error(f"engine {model.engine!r} is not known", *path, "engine",
                            advice=advise(model.engine, names, "engines")),)  # fmt: skip
    if model.spec.task not in engine.tasks:
        return None, (error(f"{engine.name} does no {model.spec.task.value}", *path, "engine",
                            advice="write another engine"),)  # fmt: skip
    version, found = engine_version(engine, model, templates)
    if version is None:
        return None, found
    weights, file, more = weights_of(engine, model, pins)
    program, rest = _program(engine, model, placed.host, placed.devices, version, pins)
    adapters, about = adapters_of(engine, model)
    found = (*found, *more, *rest, *about, *_key(engine, model))
    if model.spec.engine_version is None:  # one that is written was looked at before
        found = (*found, *check_version(templates, engine.name, version.version, *path, "engine"))
    if weights is None:
        return None, found
    token = reference(model.spec.hub_token or "")
    if token is not None and weights.kind is ArtifactKind.HUB_FILES:
        weights = replace(weights, token=declared.get(token))
    return Replica(project, placed, engine, version, weights, file, program, adapters), found


def needed(
    model: FarmModel,
    host: FarmHost,
    devices: tuple[HostDevice, ...],
    templates: Mapping[str, str],
    pins: Pins,
) -> tuple[str, frozenset[str]] | None:
    """The engine that would serve a model on these devices of a host, and the keys of the
    artifacts that must lie there; None when it cannot run there."""
    engine = engine_for(model)
    version = engine_version(engine, model, templates)[0] if engine else None
    weights = weights_of(engine, model, pins).artifact if engine else None
    if engine is None or version is None or weights is None:
        return None
    program = _program(engine, model, host, devices, version, pins)[0]
    artifacts = _artifacts(weights, program, adapters_of(engine, model)[0])
    return engine.name, frozenset(artifact.key for artifact in artifacts)


def _artifacts(
    weights: Artifact, program: Artifact | None, adapters: tuple[LoadedAdapter, ...]
) -> tuple[Artifact, ...]:
    beside = () if program is None else (program,)
    return (weights, *beside, *(file for item in adapters for file in item.files))


def _key(engine: Engine, model: FarmModel) -> tuple[Diagnostic, ...]:
    if model.spec.api_key is None or engine.reads_key or engine.key_variable:
        return ()
    return (error(f"{engine.name} takes its key in its arguments alone, which every user of the "
                  "host can read", "models", model.name, "api_key", value=model.spec.api_key,
                  advice="take api_key out and leave expose: loopback, or write another engine"),
            )  # fmt: skip


def engine_version(
    engine: Engine, model: FarmModel, templates: Mapping[str, str]
) -> tuple[EngineVersion | None, tuple[Diagnostic, ...]]:
    """The version that serves a model, and what is to be said of it; None when it is too old."""
    if model.spec.server is not None and find_engine(engine.name) is None:
        return version_of(model.spec.server), ()
    name, options = f"engines/{engine.name}.yaml", f"engines/options/{engine.name}.yaml"
    rows = parse_versions(templates[name], templates[options], name)
    wanted = model.spec.engine_version
    row, own = pick_version(rows, wanted)
    path = ("models", model.name, "engine_version")
    if row is None:
        return None, (error(f"{engine.name} {wanted} is older than what planner knows", *path,
                            value=wanted, advice=f"write {rows[-1].version} or a newer one"),
                      )  # fmt: skip
    if own:
        return row, ()
    nearest = next(known.version for known in rows if known.flags == row.flags)
    return row, (warning(f"the options of {engine.name} {wanted} are not known", *path,
                         value=wanted, detail=f"those of {nearest} are used, the nearest older "
                         "version that planner knows"),)  # fmt: skip


def _program(
    engine: Engine,
    model: FarmModel,
    host: FarmHost,
    devices: tuple[HostDevice, ...],
    version: EngineVersion,
    pins: Pins,
) -> tuple[Artifact | None, tuple[Diagnostic, ...]]:
    if host.spec.runtime is schema.RuntimeChoice.SYSTEMD:
        return _root(engine, model, host, version)
    path = ("models", model.name, "image")
    if isinstance(model.spec.image, schema.ImageArchive):
        return _archive(model, ArtifactKind.IMAGE)
    capability = devices[0].device.compute_capability if devices else None
    reference = model.spec.image or version.image_for(
        devices[0].device.vendor.lower() if devices else None,
        capability.value if capability else None,
    )
    if reference is None:
        return None, (error(f"no image of {version.engine} for this host is known", *path,
                            detail=version.no_image,
                            advice="write image: <registry>/<name>@sha256:<digest>"),)  # fmt: skip
    reference = pins.images.get(reference, reference)
    artifact = Artifact(ArtifactKind.REGISTRY_IMAGE, reference, reference)
    if _DIGEST.fullmatch(reference):
        return artifact, ()
    bare = _without_tag(reference)
    return artifact, (error("the image has no digest", *path, value=reference,
                            detail="a tag can be moved, and one blueprint would mean two farms",
                            advice="pin it with `planner lock BLUEPRINT`, or write image: "
                            f"{bare}@sha256:<digest>"),)  # fmt: skip


def _root(
    engine: Engine, model: FarmModel, host: FarmHost, version: EngineVersion
) -> tuple[Artifact | None, tuple[Diagnostic, ...]]:
    path = ("models", model.name)
    if isinstance(model.spec.image, schema.ImageArchive):
        return _archive(model, ArtifactKind.ROOT)
    if isinstance(model.spec.image, str):
        return None, (error(f"{host.name} runs systemd, which takes no registry image",
                            *path, "image", value=model.spec.image,
                            advice="write image: {archive: <root folder tar>} or binary: "
                            f"{version.program[0]}"),)  # fmt: skip
    if engine.weights_at is not None:
        return None, (error(f"{engine.name} looks for its model in a folder of its own", *path,
                            "image", detail="it needs a root folder in which that can be shown",
                            advice="write image: {archive: <root folder tar>}"),)  # fmt: skip
    if model.spec.binary is None:
        return None, (error(f"nothing says where {version.engine} is on {host.name}",
                            *path, "binary",
                            advice=f"write binary: {version.program[0]}, or image: "
                            "{archive: <root folder tar>}"),)  # fmt: skip
    return None, ()


def _archive(model: FarmModel, kind: ArtifactKind) -> tuple[Artifact, tuple[Diagnostic, ...]]:
    local, image = model.archive, model.spec.image
    written = image.archive if isinstance(image, schema.ImageArchive) else ""
    if local is not None and local.sha256 is not None:
        return Artifact(kind, local.sha256, local.path, local.bytes), ()
    return Artifact(kind, MISSING, written), (
        error("the image archive could not be read", "models", model.name, "image", "archive",
              value=written, advice=f"put it at {written}, beside the blueprint"),)  # fmt: skip


def _without_tag(reference: str) -> str:
    head, slash, last = reference.rpartition("/")
    return head + slash + last.partition(":")[0]
